lac_fuzz(tokenizer_json USES encode)
lac_fuzz(tokenize USES encode)
