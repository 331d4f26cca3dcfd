lac_fuzz(registry USES registry record json)
