lac_fuzz(safetensors USES encode)
lac_fuzz(model_config USES encode)
