lac_fuzz(record USES record)
lac_fuzz(opprogram USES record)
lac_fuzz(request_json USES record)
