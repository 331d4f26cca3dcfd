lac_test(batch USES lane)
