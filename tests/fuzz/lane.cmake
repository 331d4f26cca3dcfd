lac_fuzz(fuse USES lane)
