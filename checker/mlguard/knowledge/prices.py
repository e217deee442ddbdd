"""What things cost: EC2's list prices, SageMaker's as the checked factor of them, storage, and where they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlguard.knowledge.tables import table

_GENERAL_FACTOR = 1.2  # what every family of general-purpose instances that was looked at has


@dataclass(frozen=True, slots=True)
class Price:
    """USD for an hour of one instance in a region.

    `list` is AWS's own figure, `derived` follows from one by a checked rule, `estimated` is neither. `note` says, in
    words, how a figure that is not AWS's own came about.
    """

    usd: float
    kind: Literal["list", "derived", "estimated"]
    region: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """USD for one `unit`: `GB-month`, `GB`, `request`."""

    usd: float
    unit: str


def hourly(instance_type: str, region: str = "us-east-1") -> Price | None:
    """Give the on-demand price of an EC2 or SageMaker (`ml.`) instance type; None where none is known."""
    name = instance_type.removeprefix("ml.")
    prices = table("ec2_prices")
    usd = prices["listed"].get(region, {}).get(name)
    if usd is not None:
        price = Price(float(usd), "list", region)
    else:
        usd = prices["estimated"].get(region, {}).get(name)
        if usd is None:
            return None
        note = f"an estimate: no list price of {name} in {region} was found"
        price = Price(float(usd), "estimated", region, note)
    return price if name == instance_type else _sagemaker(price, name)


def hourly_range(instance_type: str) -> tuple[Price, Price] | None:
    """Give the prices of an instance type in its cheapest and in its dearest region; None where none is known."""
    name = instance_type.removeprefix("ml.")
    regions = [region for region, listed in table("ec2_prices")["listed"].items() if name in listed]
    found = [price for region in regions if (price := hourly(instance_type, region)) is not None]
    if not found:
        return None
    return min(found, key=lambda price: price.usd), max(found, key=lambda price: price.usd)


def _sagemaker(price: Price, name: str) -> Price:
    factor, status = _factor(name)
    rule = f"{factor:g} times the EC2 price of {name}, a factor that is {status} for its family"
    note = f"{rule}; {price.note}" if price.note else rule
    kind: Literal["derived", "estimated"] = "derived" if price.kind == "list" else "estimated"
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
