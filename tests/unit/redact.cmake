lac_test(redact USES redact)
