lac_test(pack USES pack)
