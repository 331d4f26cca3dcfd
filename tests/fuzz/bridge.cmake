lac_fuzz(http_body USES bridge)
