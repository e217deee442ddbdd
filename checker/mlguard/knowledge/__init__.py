"""Facts about AWS: instances, prices, regions; dated, with their sources, read when they are needed."""
