lac_fuzz(match_regex USES match)
