# The built-in pack is compiled many times in these.
lac_test(pack USES pack TIMEOUT 300)
lac_test(pack_bundle USES pack TIMEOUT 300)
lac_test(pack_terms USES pack TIMEOUT 300)
