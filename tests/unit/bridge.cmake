lac_test(bridge_body USES bridge)
lac_test(bridge_parts USES bridge)
lac_test(bridge USES bridge)
lac_test(bridge_scan USES bridge)
