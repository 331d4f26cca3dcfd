lac_test(kafka USES kafka)
