"""Which SageMaker instance types a region's price list offers, by what the instance is used for."""

from __future__ import annotations

from mlguard.knowledge.tables import table


def regions_offering(use: str, instance_type: str) -> tuple[str, ...] | None:
    """Give the regions whose price list has the type for the use; None where no price list has it at all."""
    content = table("sagemaker_offers")
    found = content["offered"].get(use, {}).get(instance_type)
    return None if found is None else tuple(content["regions"][index] for index in found)


def is_listed(region: str) -> bool:
    """Tell whether the price list of a region is known."""
    return region in table("sagemaker_offers")["regions"]
