lac_test(publish_reader USES publish)
lac_test(publish USES publish)
