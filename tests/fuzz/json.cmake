lac_fuzz(json USES json)
