"""What things cost: EC2's list prices, SageMaker's as the checked factor of them, storage, and where they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from mlguard.knowledge.tables import table
from mlguard.record import record
from mlguard.resource import Basis

HOME = "us-east-1"
"""The region whose prices stand for the others' where nobody knows better."""
_GENERAL_FACTOR = 1.2  # what every family of general-purpose instances that was looked at has


@record()
class Price:
    """USD for an hour of one instance in a region.

    `list` is AWS's own figure, `derived` follows from one by a checked rule, `estimated` is neither, `own` is the
    user's. `note` says, in words, how a figure that is not AWS's own came about.
    """

    usd: float
    kind: Basis
    region: str
    note: str = ""


@record()
class Rate:
    """USD for one `unit`: `GB-month`, `GB`, `request`."""

    usd: float
    unit: str


@lru_cache(maxsize=16_384)
def hourly(instance_type: str, region: str = HOME) -> Price | None:
    """Give the on-demand price of an EC2 or SageMaker (`ml.`) instance type; None where none is known."""
    name = instance_type.removeprefix("ml.")
    listed, estimated = _prices(name)
    usd = listed.get(region)
    if usd is not None:
        price = Price(float(usd), "list", region)
    else:
        usd = estimated.get(region)
        if usd is None:
            return None
        note = f"an estimate: no list price of {name} in {region} was found"
        price = Price(float(usd), "estimated", region, note)
    return price if name == instance_type else _sagemaker(price, name)


def regions_with_price(instance_type: str) -> list[str]:
    """Give the regions whose list prices hold an instance type."""
    listed, _ = _prices(instance_type.removeprefix("ml."))
    return list(listed)


def _prices(name: str) -> Sequence[Mapping[str, float]]:
    """Give the list prices and the estimates of an EC2 type, both by region."""
    found: Sequence[Mapping[str, float]] = table("ec2_prices")["rows"].get(name, ({}, {}))
    return found


def price_date(region: str) -> str:
    """Give the day (`2025-11-04`) of the prices of a region."""
    dates = table("ec2_prices")["dates"]
    return str(dates.get(region, dates[""]))


def price_dates() -> str:
    """Give the days of the oldest and the newest prices, in words."""
    dates = sorted(set(table("ec2_prices")["dates"].values()))
    return " to ".join(dict.fromkeys((dates[0], dates[-1])))


def _sagemaker(price: Price, name: str) -> Price:
    factor, status = _factor(name)
    rule = f"{factor:g} times the EC2 price of {name}, a factor that is {status} for its family"
    note = f"{rule}; {price.note}" if price.note else rule
    kind: Basis = "derived" if price.kind == "list" else "estimated"
    return Price(round(price.usd * factor, 4), kind, price.region, note)


def sagemaker_factor(name: str) -> float:
    """Give SageMaker's price as a factor of EC2's for the type without `ml.`; 1.2 for families without a rule."""
    return _factor(name)[0]


def _factor(name: str) -> tuple[float, str]:
    family, _, size = name.partition(".")
    for families, sizes, factor, status in table("sagemaker_factors")["factors"]:
        if family in families and (not sizes or size in sizes):
            return float(factor), str(status)
    return _GENERAL_FACTOR, "assumed"


def storage(item: str) -> Rate | None:
    """Give what storing or sending costs in us-east-1: `s3.standard_first_50tb`, `cloudwatch.logs_ingestion_standard`.

    The names are those of `policies/data/storage_prices.json`; None for any other.
    """
    found = table("storage_prices")["items"].get(item)
    return None if found is None else Rate(float(found[0]), str(found[1]))
