lac_test(pack USES pack)
lac_test(pack_bundle USES pack)
lac_test(pack_terms USES pack)
lac_test(pack_import USES pack)
