lac_test(kafka_mock USES base kafka LABELS component TIMEOUT 120)
