lac_fuzz(http_body USES bridge)
lac_fuzz(bridge_reply USES bridge)
