lac_fuzz(sink_row USES sink lane pg record json base)
