"""How dear a region is for an instance family, compared with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlguard.knowledge import instances
from mlguard.knowledge.tables import table

_CHEAPEST, _HOME = 0, 1  # the columns of the table: against the cheapest region of a type, and against us-east-1


def names() -> tuple[str, ...]:
    """Give every region by its code, `eu-central-2`."""
    return tuple(table("regions")["names"])


def name(region: str) -> str | None:
    """Give the region's name: `Europe (Zurich)` of `eu-central-2`; None when it is not a known region."""
    found = table("regions")["names"].get(region)
    return None if found is None else str(found[0])


def partition(region: str) -> str | None:
    """Give the partition of a region: `aws`, `aws-cn`, `aws-us-gov`; None when it is not a known region."""
    found = table("regions")["names"].get(region)
    return None if found is None else str(found[1])


def price_ratio(region: str, family: str, compare: Sequence[str] | None = None) -> float | None:
    """Give the price of a family in a region over that in the cheapest of the comparison regions that offer it.

    Without comparison regions: over that in us-east-1. A family that the region's price list does not have is judged
    by the region's level for its class, accelerated or general. None for an unknown family, and where no price of the
    region or of any comparison region is known. 1.0 and less means that none of them is cheaper.
    """
    if compare is None:
        return _ratio(region, family, _HOME)
    own = _ratio(region, family, _CHEAPEST)
    others = [ratio for ratio, _, _ in _offers(family, compare)]
    return own / min(others) if own is not None and others else None


def cheapest(family: str, compare: Sequence[str]) -> str | None:
    """Give the cheapest of the comparison regions that offer a family; the first of equals, in their order."""
    offers = _offers(family, compare)
    return min(offers)[2] if offers else None


def _offers(family: str, compare: Sequence[str]) -> list[tuple[float, int, str]]:
    """Rank the regions that offer a family; all of them, by their level, where no region is known to offer it."""
    anywhere = any(_own(region, family) for region in table("regions")["ratios"])
    found = []
    for index, region in enumerate(compare):
        ratio = _ratio(region, family, _CHEAPEST) if not anywhere or _own(region, family) else None
        if ratio is not None:
            found.append((ratio, index, region))
    return found


def _ratio(region: str, family: str, column: int) -> float | None:
    if family not in instances.families():
        return None
    level = "_ACCELERATED_CURRENT" if family in instances.accelerated_families() else "_GENERAL"
    for entry in (_own(region, family), table("regions")["ratios"].get(region, {}).get(level)):
        if entry is not None and entry[column] is not None:
            return float(entry[column])
    return None


def _own(region: str, family: str) -> Any:  # noqa: ANN401  (a row of a JSON table)
    regions = table("regions")
    return regions["ratios"].get(region, {}).get(family) or regions["estimated"].get(region, {}).get(family)
