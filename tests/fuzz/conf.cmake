lac_fuzz(conf USES conf json)
