lac_test(publish_reader USES publish)
