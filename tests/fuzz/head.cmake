lac_fuzz(head USES head)
lac_fuzz(feedback USES head)
