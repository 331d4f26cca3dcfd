lac_test(encode_tokenizer USES encode json)
lac_test(encode_tokenizer_files USES encode)
