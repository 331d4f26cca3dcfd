lac_test(record USES record)
lac_test(record_json USES record)
lac_test(topics USES record)
