lac_test(scan USES scan)
lac_test(scan_ignore USES scan)
lac_test(scan_lines USES scan)
