lac_fuzz(control USES control)
