lac_fuzz(scan USES engine)
lac_fuzz(terms USES pack)
lac_fuzz(pack_file USES pack digest)
lac_fuzz(decode USES match)
