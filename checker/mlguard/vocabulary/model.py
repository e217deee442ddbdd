"""What a vocabulary file says: kinds, their spellings in each format, and how each property is read."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property

from mlguard.patterns import lazy_pattern
from mlguard.record import field, record
from mlguard.value import Scalar

_REPOSITORY = 2  # owner/repository


@record()
class Field:
    """How one property of an item, or a plain property, is read from a raw node.

    `paths` are alternatives: the first that is there. With `equals` the result tells whether the value is that one
    of `equals`; with `exists` it tells whether any of the paths is there; `value` is a constant; with `each` it is a
    list of items.
    """

    paths: tuple[str, ...] = ()
    equals: tuple[Scalar, ...] | None = None
    exists: bool = False
    value: Scalar = None
    each: Mapping[str, Field] | None = None


@record()
class Companion:
    """A resource that points at this one: of which types, and with which of its arguments."""

    types: tuple[str, ...]
    by: str


@record()
class Follow:
    """A reference that goes out: which argument holds it, the types it may lead to, and their name arguments."""

    paths: tuple[str, ...]
    types: Mapping[str, str]


@record()
class Reading:
    """One way in which a format spells a property, here or in a resource that is joined with this one."""

    field: Field
    companion: Companion | None = None
    follow: Follow | None = None

    @property
    def each(self) -> Mapping[str, Field] | None:
        """Give how the items are read where the property is a list of items."""
        return self.field.each


@record()
class Property:
    """A property of a kind: read from the resource by format or by raw type, or derived by a named function."""

    name: str
    what: str
    spellings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    shape: str = ""
    derived: str = ""


@record()
class Kind:
    """A kind of resource, and the raw types that are of it.

    `billing` says how its machines run: `each` of them with its own count, `one_of` them as often as the capacity of
    the resource says, each for one `job`; empty where they are paid for elsewhere, as those of a template are.
    """

    name: str
    title: str
    types: tuple[str, ...]
    properties: Mapping[str, Property]
    name_paths: Mapping[str, str]
    carries: str = ""
    machine_learning: str = ""
    billing: str = ""


@record(slots=False)
class Vocabulary:
    """All kinds; `shapes` are the item properties that lists of the same shape share, each derived by a function.

    `modules` are the resource types that modules of the public registry can create, by name; `*` stands for any text.
    """

    kinds: Mapping[str, Kind]
    shapes: Mapping[str, Mapping[str, Property]]
    common: Mapping[str, Property]
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def kind_of_type(self) -> Mapping[str, tuple[Kind, ...]]:
        """Give the kinds of each raw type, `awscc_*` types included."""
        found: dict[str, tuple[Kind, ...]] = {}
        for kind in self.kinds.values():
            for raw in kind.types:
                found[raw] = (*found.get(raw, ()), kind)
                if raw.startswith("AWS::"):
                    cloud_control = awscc_type(raw)
                    found[cloud_control] = (*found.get(cloud_control, ()), kind)
        return found

    @cached_property
    def joined_types(self) -> frozenset[str]:
        """Give the raw types that are read only because another resource is joined with them."""
        found: set[str] = set()
        for kind in self.kinds.values():
            for prop in kind.properties.values():
                for readings in prop.spellings.values():
                    for reading in readings:
                        found.update(reading.companion.types if reading.companion else ())
                        found.update(reading.follow.types if reading.follow else ())
        found.update(awscc_type(raw) for raw in tuple(found) if raw.startswith("AWS::"))
        return frozenset(found)

    def created_by(self, source: str) -> tuple[str, ...] | None:
        """Give the resource types that a module can create, by its source; None for a module that is not known."""
        if source not in self._created_by:
            name = registry_name(source)
            found = (types for pattern, types in self.modules.items() if fnmatchcase(name, pattern))
            self._created_by[source] = next(found, None)
        return self._created_by[source]

    @cached_property
    def _created_by(self) -> dict[str, tuple[str, ...] | None]:
        return {}

    def wanted(self, raw_type: str) -> bool:
        """Tell whether a resource of this type can matter to any policy."""
        return raw_type in self.kind_of_type or raw_type in self.joined_types


_HOST = lazy_pattern(r"^(?:git::|hg::|s3::|gcs::)?(?:[a-z+]+://)?(?:[^/@]+@)?(?:[^/:]+[.][^/:]+)[/:]")


def registry_name(source: str) -> str:
    """Give the name that a module has in the public registry, by any source: `namespace/name/provider//folder`.

    `git::https://github.com/terraform-aws-modules/terraform-aws-eks.git//modules/karpenter?ref=v20` is
    `terraform-aws-modules/eks/aws//modules/karpenter`.
    """
    whole, _, folder = _HOST.sub("", source.partition("?")[0]).partition("//")
    parts = whole.strip("/").removesuffix(".git").split("/")
    if len(parts) == _REPOSITORY and parts[1].startswith("terraform-"):
        _, provider, name = (parts[1] + "--").split("-", 2)
        parts = [parts[0], name.rstrip("-"), provider]
    return "/".join(parts) + (f"//{folder}" if folder else "")


def snake_case(name: str) -> str:
    """Turn `KmsKeyId` into `kms_key_id`, as the Cloud Control provider of Terraform does."""
    out: list[str] = []
    for index, letter in enumerate(name):
        if letter.isupper() and index:
            before = name[index - 1]
            after = name[index + 1 : index + 2]
            if not before.isupper() or (after.islower()):
                out.append("_")
        out.append(letter.lower())
    return "".join(out)


def awscc_type(cloudformation_type: str) -> str:
    """Give the Terraform type of the Cloud Control provider: `AWS::S3::Bucket` is `awscc_s3_bucket`."""
    _, service, name = cloudformation_type.split("::", 2)
    return f"awscc_{service.lower()}_{snake_case(name)}"
