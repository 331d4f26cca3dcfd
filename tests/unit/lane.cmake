lac_test(batch USES lane)
lac_test(lane_sim USES base kafka lane SOURCES lane_model.c TIMEOUT 120)
lac_test(fuse USES base lane)
