lac_fuzz(http_body USES bridge)
lac_fuzz(bridge_reply USES bridge)
lac_fuzz(scan_body USES bridge scan redact pack match decide json base)
