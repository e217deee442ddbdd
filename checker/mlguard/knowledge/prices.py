"""What an instance costs for an hour: list prices of EC2, and SageMaker's as the documented factor of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlguard.knowledge.tables import table


@dataclass(frozen=True, slots=True)
class Price:
    """USD an hour. `list` is AWS's own figure, `derived` follows from one by a checked rule, `estimated` is neither."""

    usd: float
    kind: Literal["list", "derived", "estimated"]
    region: str


def hourly(instance_type: str, region: str = "us-east-1") -> Price | None:
    """Give the price of an EC2 or SageMaker (`ml.`) instance type; None where none is known."""
    name = instance_type.removeprefix("ml.")
    prices = table("ec2_prices")
    usd = prices["listed"].get(region, {}).get(name)
    kind: Literal["list", "derived", "estimated"] = "list"
    if usd is None:
        usd = prices["estimated"].get(region, {}).get(name)
        kind = "estimated"
    if usd is None:
        return None
    if name == instance_type:
        return Price(usd, kind, region)
    return Price(round(usd * sagemaker_factor(name), 4), "derived" if kind == "list" else "estimated", region)


def sagemaker_factor(name: str) -> float:
    """Give SageMaker's price as a factor of EC2's for the type without `ml.`; 1.2 for families without a rule."""
    family, _, size = name.partition(".")
    general = 1.2
    for families, sizes, factor, _status in table("sagemaker_factors")["factors"]:
        if family in families:
            if size in sizes:
                return float(factor)
            if not sizes:
                return float(factor)
    return general
