lac_test(match USES match)
lac_test(match_detect USES match)
lac_test(match_secret USES match)
