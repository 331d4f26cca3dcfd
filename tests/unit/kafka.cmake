lac_test(kafka USES base kafka)
