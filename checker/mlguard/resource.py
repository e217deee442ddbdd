"""What is deployed: resources as their format spells them, as the vocabulary names them, and their projects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from mlguard.errors import MlguardError
from mlguard.record import field, record
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Node, Parameter, Reference, Unknown

Format = Literal["cloudformation", "terraform"]
Basis = Literal["list", "derived", "estimated", "own"]
"""Where a price is from: AWS's price list, derived from it by a checked rule, estimated, or the user's own rate."""
Dialect = Literal["cloudformation", "terraform", "cdk"]


CALLED = "called here"
"""What the call of a module is to the resources in it."""
LISTED = "listed here"
"""What the place of an item is to the resource that uses the list."""
SYNTHESIZED = "synthesized here"
"""What the place in a template is to the construct that it was made of."""


def always(_scenario: Scenario) -> bool:
    """Say that a resource exists in every scenario."""
    return True


@record()
class Related:
    """Another place that belongs to a resource, in words: `called here`, `constructed here`."""

    span: Span
    what: str


@record()
class Waiver:
    """A wish, written in the resource's own metadata, that some policies leave it alone."""

    policies: tuple[str, ...]
    reason: str
    until: str
    span: Span


@record()
class Charge:
    """One thing that a resource is billed for, in USD: `per` month that it is left as the code says, or `per` run.

    `name` tells it from the resource's other charges. `high` is None where nothing bounds it. `how` is the sum in
    words, or, where no figure can be given, the reason; `at` is where the thing is written. `resource` is the address
    of another resource that is billed for it, empty where it is the resource itself.
    """

    name: str
    low: float
    high: float | None
    per: Literal["month", "run"]
    basis: Basis
    how: str
    at: Span
    resource: str = ""


def free(_scenario: Scenario) -> tuple[Charge, ...]:
    """Say that nothing is known to be billed for a resource."""
    return ()


@record(eq=False)
class RawResource:
    """A resource with the type and the keys that its format gives it.

    `body` holds its arguments; `span` is the whole of it, `name_span` its header or logical id. `exists` tells
    whether a scenario deploys it: True, False, or Unknown. `region` settles to a text or an Unknown. `tags_below`
    are tags that reach it from outside (provider default tags, stack tags); its own tags override them.
    `source` is where its construct was written, when that is another file than the template. `refers_to` are resources
    that its body was made of and no longer names. `removal` is what the code says of its end: the DeletionPolicy of
    CloudFormation, the `prevent_destroy` of Terraform.
    """

    format: Format
    type: str
    address: str
    body: Node
    span: Span
    name_span: Span
    region: Node
    exists: Callable[[Scenario], bool | Unknown] = always
    tags_below: Node | None = None
    source: Span | None = None
    construct: str = ""
    related: tuple[Related, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    refers_to: tuple[Reference, ...] = ()
    removal: Node | None = None


@record(eq=False)
class Gap:
    """A part of a project that could not be seen: a remote module, a nested stack behind a URL.

    `hides` are the resource types that it can create, None when it may create anything. `arguments` is what it is
    given, None where that is not known: it completes no resource that it is not told of.
    """

    span: Span
    what: str
    hides: tuple[str, ...] | None = None
    arguments: Node | None = None

    def may_create(self, types: Iterable[str]) -> bool:
        """Tell whether a resource of one of these types may be hidden."""
        return self.hides is None or not set(self.hides).isdisjoint(types)


@record(eq=False)
class RawProject:
    """Resources that are deployed together, and what of the project could not be seen.

    `path` is the file or folder that the project is named by; `names` are texts that may tell its environment
    (folders, stack name, workspace), most telling first; `environment` is the one that the user deploys it to with
    these values, empty where the values are nobody's in particular. `stack` and `workspace` are the names that it is
    deployed under, empty where nobody told them.
    """

    dialect: Dialect
    path: str
    resources: tuple[RawResource, ...]
    documents: Mapping[str, Document]
    gaps: tuple[Gap, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    names: tuple[str, ...] = ()
    problems: tuple[MlguardError, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    environment: str = ""
    stack: str = ""
    workspace: str = ""


@record(eq=False)
class Resource:
    """A resource in the words of the vocabulary: the one shape that every policy sees.

    Each property is a node that settles in a scenario; an absent one settles to None.
    """

    kind: str
    raw: RawResource
    properties: Mapping[str, Node]
    part_of: str = ""
    charges: Callable[[Scenario], tuple[Charge, ...]] = free

    @property
    def address(self) -> str:
        """Name the resource in its project; a part of a resource is named `whole/part`."""
        return f"{self.raw.address}/{self.part_of}" if self.part_of else self.raw.address


@record(eq=False)
class Project:
    """A project in the words of the vocabulary.

    `hidden` are, for each gap of which that is known, the resources that it can create: of a known kind, all else open.
    """

    raw: RawProject
    resources: tuple[Resource, ...]
    by_kind: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    hidden: tuple[tuple[Gap, tuple[Node, ...]], ...] = ()
