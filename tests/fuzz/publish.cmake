lac_fuzz(publish_reader USES publish)
lac_fuzz(publish_journal USES publish digest base)
