lac_test(lane_mock USES base kafka lane LABELS component TIMEOUT 240)
