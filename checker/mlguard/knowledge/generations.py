"""Which family of instances takes the place of another: a newer generation, or other silicon."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.knowledge import instances
from mlguard.knowledge.tables import table


def status(family: str) -> str:
    """Give `current`, `previous` or `withdrawn`; empty for a family that the table lacks."""
    found = table("generations")["families"].get(family)
    return found[0] if found is not None else ""


def replacing_families(family: str) -> tuple[str, ...]:
    """Give the families that can take the place of one."""
    return tuple(table("generations")["families"].get(family, ("", ()))[1])


def graviton_families(family: str) -> tuple[str, ...]:
    """Give the arm64 families of the same class that are not older than an x86 family."""
    return tuple(table("generations")["graviton"].get(family, ()))


def taken(instance_type: str, use: str) -> bool:
    """Tell whether SageMaker's API takes a type for a use; EC2 takes every type."""
    if not instance_type.startswith("ml."):
        return True
    content = table("generations")
    uses = content["uses"]
    return use in uses and str(uses.index(use)) in content["sagemaker"].get(instance_type, "")


def comparable(instance_type: str, families: tuple[str, ...], use: str) -> Iterator[str]:
    """Give the types of other families that have as many vCPUs and accelerators, spelled as the type is."""
    own = instances.lookup(instance_type)
    prefix = "ml." if instance_type.startswith("ml.") else ""
    for name in instances.types_of(families) if own is not None else ():
        other = instances.lookup(name)
        if own is None or other is None or other.vcpu < own.vcpu or other.accelerator_count < own.accelerator_count:
            continue
        if taken(prefix + name, use):
            yield prefix + name
