lac_fuzz(head USES head)
