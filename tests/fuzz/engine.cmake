lac_fuzz(scan USES engine)
lac_fuzz(terms USES pack)
