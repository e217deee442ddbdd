"""A policy, as its file says it: what must hold, what to tell the person, and the guardrail that matches it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

from mlguard.patterns import lazy_pattern
from mlguard.record import field, record
from mlguard.value import Scalar

_PLACEHOLDER = lazy_pattern(r"\{([a-z_]+)\}")
Enforcement = Literal["preventive", "protective", "none"]
Pricing = Literal["resource", "item", "region-premium", "spot-saving", "project", "none"]
"""What money a finding puts at stake: all that the resource is billed for, the item that it is about, what the region
or the on-demand price adds to that, all of the project, or no figure."""
Judging = Literal["default", "domain"]
"""By what a value is judged that whoever deploys may choose from a list: by its default, or by all that are listed."""
Expectation = Literal["fail", "pass", "unknown"]


class Severity(IntEnum):
    """How much money is at stake: critical burns over $10,000 in days or cannot be cancelled, info is advice."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @classmethod
    def named(cls, name: str) -> Severity:
        """Give the severity of that name, in lower case."""
        return cls[name.upper()]

    @property
    def label(self) -> str:
        """Give the name as it is written in policies and reports."""
        return self.name.lower()


@record()
class ParameterOperand:
    """A value that the user may set: `{param: allowed_instance_types, for: [environment, use]}`.

    Each selector is `environment`, a property of the judged thing, or, in a statement, a name bound by `with`.
    """

    name: str
    selectors: tuple[str, ...] = ()


Literals = Scalar | tuple[Scalar, ...]
Operand = Literals | ParameterOperand
Relation = Literal["exists", "equals", "in", "matches", "at_least", "at_most"]


@record()
class Check:
    """One leaf: whether the property stands in this relation to the operand."""

    path: str
    relation: Relation
    operand: Operand


@record()
class Quantified:
    """A test of a list: some or every item meets the clause, or the number of items meets the tests."""

    path: str
    quantifier: Literal["some", "every", "count"]
    clause: Clause


@record()
class Combined:
    """All, any or none of the parts."""

    how: Literal["all", "any", "not"]
    parts: tuple[Clause, ...]


Clause = Check | Quantified | Combined


def placeholders(text: str) -> list[str]:
    """Give the parameters that a text of a statement names: `{name}`."""
    return _PLACEHOLDER.findall(text)


@record()
class Statement:
    """One Deny statement of an organization policy; operands may still be parameters.

    `bindings` give the selectors of its parameter operands a value. It is about `resources`, or, where `not_resources`
    has any, about all others. `{name}` in one of these, or in a condition key, stands for each value of a parameter.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Operand]]
    bindings: Mapping[str, str]
    line: int = 0
    not_resources: tuple[str, ...] = ()


@record()
class Guardrail:
    """What an organization policy can do about the mistake, and what it cannot (`limits`, in words)."""

    enforce: Enforcement
    limits: str
    statements: tuple[Statement, ...] = ()


Where = Literal["resource", "parameter", "companion", "project"]
"""What a recipe writes in: the resource itself, the parameter that chooses an item's type, a resource that points at
this one, or the project, to which it adds a resource."""


@record(eq=False)
class Recipe:
    """How a fix is written in one format.

    `set` maps paths to the values that must stand there, `add` maps paths to an item that the list there must get.
    For a companion, `by` is the argument that names this resource by its attribute `reference`; it, and a resource
    that is added to the project, are of `type`, and the latter is called `name`. The recipe is only for resources in
    which `if_present` stands.
    """

    where: Where = "resource"
    set: Mapping[str, object] = field(default_factory=dict)
    add: Mapping[str, object] = field(default_factory=dict)
    type: str = ""
    name: str = ""
    by: str = ""
    reference: str = ""
    if_present: str = ""


@record(eq=False)
class Fix:
    """How the mistake can be mended in the text of the code; of several the first that fits is taken.

    It is `safe` where nothing is deleted, replaced or stopped that somebody may still use, and no bill rises. It fits
    the findings that one of `properties` settled (all, where that is empty) and for which `when` holds. The value that
    was found is replaced by `replace` where it is written in the resource; elsewhere, and where that is None, the
    recipe of the resource's type or format is followed.
    """

    safe: bool
    what: str
    properties: tuple[str, ...]
    when: Clause | None
    replace: object
    recipes: Mapping[str, tuple[Recipe, ...]]


@record()
class Example:
    """A piece of infrastructure code and what the policy says of it.

    `at` is the line reported; `environment` and `region` stand for what the command line or the path would tell.
    """

    expect: Expectation
    language: Literal["cloudformation", "terraform"]
    code: str
    line: int
    at: int = 0
    title: str = ""
    environment: str = ""
    region: str = ""
    files: Mapping[str, str] | None = None
    message: str = ""


@record()
class Policy:
    """One mistake: where to look, what must hold, and everything that a person needs to mend it.

    `messages` maps the property (or `property.relation`) that settled the verdict to the text; the key `""` is for
    all others. `fix_by_hand` maps `cloudformation`, `terraform` and `cdk` to the text for each. One that is not
    `recommended` is judged only when it is asked for. One about what runs is `judged_by` the default of a parameter,
    where it has one; one about what may be chosen, by the whole domain.
    """

    id: str
    title: str
    severity: Severity
    pack: str
    since: str
    applies_to: tuple[str, ...]
    require: Clause
    when: Clause | None
    raise_severity_when: Clause | None
    messages: Mapping[str, str]
    why: str
    fix_by_hand: Mapping[str, str]
    guardrail: Guardrail
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    path: str = ""
    built_in: bool = True
    exposure: Pricing = "none"
    recommended: bool = True
    judged_by: Judging = "domain"
    fixes: tuple[Fix, ...] = ()
