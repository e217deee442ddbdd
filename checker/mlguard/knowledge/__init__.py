"""Facts about AWS: instances, prices, regions; dated, with their sources, read when they are needed."""

from mlguard.knowledge.tables import snapshot_date

__all__ = ["snapshot_date"]
