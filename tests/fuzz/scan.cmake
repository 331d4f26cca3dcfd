lac_fuzz(scan_diff USES scan)
lac_fuzz(scan_ignore USES scan)
lac_fuzz(scan_lines USES scan)
