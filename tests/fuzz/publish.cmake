lac_fuzz(publish_reader USES publish)
