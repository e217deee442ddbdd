"""How dear a region is for an instance family, compared with others."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.knowledge.instances import accelerated_families
from mlguard.knowledge.tables import table


def price_ratio(region: str, family: str, compare: Sequence[str]) -> float | None:
    """Give the price of a family in a region over that in the cheapest of the comparison regions that offer it.

    A family that the region's price list does not have is judged by the aggregate of its class; None where that is
    missing too. 1.0 and less means that the region is the cheapest of them.
    """
    own = _ratio(region, family)
    others = [ratio for name in compare if (ratio := _ratio(name, family)) is not None]
    if own is None or not others:
        return None
    return own / min(others)


def cheapest(family: str, compare: Sequence[str]) -> str | None:
    """Give the cheapest of the comparison regions for a family; the first of equals, in their order."""
    offered = [
        (ratio, index, name) for index, name in enumerate(compare) if (ratio := _ratio(name, family)) is not None
    ]
    return min(offered)[2] if offered else None


def _ratio(region: str, family: str) -> float | None:
    ratios = table("regions")["ratios"].get(region, {})
    aggregate = "_ACCELERATED_CURRENT" if family in accelerated_families() else "_GENERAL"
    found = ratios.get(family, ratios.get(aggregate))
    return None if found is None else float(found)
