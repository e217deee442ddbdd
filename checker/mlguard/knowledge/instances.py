"""What an instance type is; `ml.p4d.24xlarge` and `p4d.24xlarge` are the same hardware."""

from __future__ import annotations

from functools import cache

from mlguard.knowledge.tables import table
from mlguard.patterns import lazy_pattern
from mlguard.record import record

_TYPE = lazy_pattern(r"(?:ml\.)?(?P<family>[a-z][a-z0-9-]*)\.(?P<size>[a-z0-9-]+)\Z")
_WITHOUT_HARDWARE = frozenset(("system", "optimal", "default_x86_64", "default_arm64", "ml.geospatial.interactive"))
_BARE_FAMILY = lazy_pattern(r"[a-z]+[0-9][a-z0-9-]*\Z")


@record()
class Instance:
    """An EC2 instance type; memory in GiB.

    `accelerator` is its name (`A100`), `accelerator_kind` one word for what it is (`gpu`), both empty without one;
    `generation` is `current`, `previous` or `withdrawn`.
    """

    type: str
    family: str
    vcpu: int
    memory_gib: float
    accelerator: str
    accelerator_kind: str
    accelerator_count: int
    generation: str


def lookup(instance_type: str) -> Instance | None:
    """Give what is known of an instance type, with or without `ml.`; None where nothing is."""
    name = instance_type.removeprefix("ml.")
    row = table("instances")["types"].get(name)
    return None if row is None else Instance(name, name.split(".")[0], *row)


def types() -> tuple[str, ...]:
    """Give every EC2 instance type that mlguard knows."""
    return tuple(table("instances")["types"])


def family(instance_type: str) -> str | None:
    """Give the family: `p4d` of `ml.p4d.24xlarge`, also of sizes that do not exist; None where there is none.

    A bare family (`p4d`), as AWS Batch takes it, is its own family.
    """
    if instance_type in _WITHOUT_HARDWARE:
        return None
    match = _TYPE.match(instance_type)
    if match is not None:
        return match["family"]
    return instance_type if _BARE_FAMILY.match(instance_type) else None


def is_accelerated(instance_type: str) -> bool | None:
    """Tell whether a type carries a GPU, Trainium, Inferentia, Gaudi or FPGA; None when the family is not known.

    The words that stand for no hardware of their own (`system`, `optimal`, ...) never carry one: `optimal` chooses
    among the families C, M and R.
    """
    if instance_type in _WITHOUT_HARDWARE:
        return False
    name = family(instance_type)
    if name is None:
        return None
    if name in accelerated_families():
        return True
    return False if name in families() else None


def has_own_disks(instance_type: str) -> bool | None:
    """Tell whether every size of a type's family has disks of its own; None where that is not known."""
    name = family(instance_type)
    if name in table("instances")["disk_families"]:
        return True
    return False if name in table("instances")["diskless_families"] else None


@cache
def accelerated_families() -> frozenset[str]:
    """Give the families that carry an accelerator."""
    return frozenset(table("instances")["accelerated_families"])


@cache
def accelerated_types() -> tuple[str, ...]:
    """Give every type that carries an accelerator, as EC2 and as SageMaker write it."""
    names = sorted(name for name in table("instances")["types"] if name.split(".")[0] in accelerated_families())
    return (*names, *(f"ml.{name}" for name in names))


@cache
def types_of(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Give every type of some families."""
    return tuple(name for name in table("instances")["types"] if name.split(".")[0] in wanted)


def at_least_as_large(instance_type: str, other: Instance) -> bool:
    """Tell whether a type has as many vCPUs and as much memory as another."""
    found = lookup(instance_type)
    return found is not None and found.vcpu >= other.vcpu and found.memory_gib >= other.memory_gib


@cache
def families() -> frozenset[str]:
    """Give every known family, with an accelerator or without."""
    return frozenset(name.split(".")[0] for name in table("instances")["types"]) | accelerated_families()
