"""The text of `terraform show -json` for a plan: what it plans, checked for its shape, every value with its place.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mlguard.errors import LimitError, MlguardError, ParseError
from mlguard.parse.json_document import load_json
from mlguard.parse.terraform.plan.addresses import Step, instance_key, steps_of
from mlguard.record import field, record
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node

_HOW = "run `terraform plan -out=tfplan` and `terraform show -json tfplan > plan.json`, and give plan.json"
_NEWEST = 1
_MAX_RESOURCES = 5_000
_GONE = frozenset({"delete", "forget"})
_NOT_NEEDED = frozenset(
    {(0, "prior_state"), (0, "resource_drift"), (0, "relevant_attributes"), (0, "output_changes"), (0, "checks")}
    | {(1, "outputs"), (3, "before"), (3, "before_sensitive"), (3, "replace_paths")}
)
_OF_A_RESOURCE = frozenset({"values", "sensitive_values", "change", "expressions"})
Wanted = Callable[[str], bool]


@record(eq=False)
class Planned:
    """A resource as it will be: `values` of what is known, `unknown` and `sensitive` marks of the same shape.

    `module` are the module calls that lead to it, and `own` its name, each with the key of its instance. `at` is where
    the plan gives its address.
    """

    address: str
    type: str
    module: tuple[Step, ...]
    own: Step
    at: Node
    values: Node | None = None
    unknown: Node | None = None
    sensitive: tuple[Node, ...] = ()


@record(frozen=False, eq=False)
class Plan:
    """What the file says: resources to be, variables, the configuration, and why there may be more."""

    document: Document
    resources: list[Planned] = field(default_factory=list)
    variables: Mapping[str, Node] = field(default_factory=dict)
    configuration: Mapping[str, Node] = field(default_factory=dict)
    incomplete: list[tuple[Span, str]] = field(default_factory=list)
    problems: list[MlguardError] = field(default_factory=list)


def below(node: Node | None, *keys: str) -> Mapping[str, Node]:
    """Give the entries at a path of keys, none where there is no object."""
    for key in keys:
        node = below(node).get(key)
    content = node.content if node is not None else None
    return content.nodes if isinstance(content, Entries) else {}


def listed(node: Node | None) -> tuple[Node, ...]:
    """Give the items of a list, none where there is no list."""
    content = node.content if node is not None else None
    return content.nodes if isinstance(content, Items) else ()


def word(node: Node | None) -> str:
    """Give a text, the empty one where there is none."""
    content = node.content if node is not None else None
    return content if isinstance(content, str) else ""


def read_plan(document: Document, wanted: Wanted, *, named: bool = True) -> Plan | None:
    """Read a plan; ParseError or LimitError where the file is none, or None where nobody said that it is one.

    Values of resource types that are not wanted are passed over.
    """
    if document.text.startswith('{"@level"'):
        raise ParseError(f"the log of `terraform plan -json`, not the plan: {_HOW}", document.path, 1)
    top = load_json(document, _PassOver(wanted))
    fault = _fault(below(top))
    if fault:
        if not named and "newer" not in fault:
            return None
        raise ParseError(fault, document.path, 1)
    return _Reading(document, wanted).plan(top)


class _PassOver:
    """Tells what of a plan nobody looks at: the past, other types of resources, and what is told twice."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._planned = False

    def __call__(self, key: str, depth: int, before: Mapping[str, Node]) -> bool:
        """Tell by a key, its depth and the entries before it whether its value is not needed."""
        if (depth, key) == (0, "resource_changes"):
            self._planned = bool(below(before.get("planned_values"), "root_module"))
        if (depth, key) in _NOT_NEEDED or (self._planned and (depth, key) == (3, "after")):
            return True
        return key in _OF_A_RESOURCE and {"address", "type"} <= before.keys() and not self._wanted(word(before["type"]))


def _fault(top: Mapping[str, Node]) -> str:
    """Say why a document is not a plan that can be read; empty when it is one."""
    version = word(top.get("format_version"))
    if not version:
        if "terraform_version" in top and ("serial" in top or "lineage" in top):
            return f"a state file, not a plan: {_HOW}"
        return f"not the output of `terraform show -json` for a plan: {_HOW}"
    major = version.partition(".")[0]
    if not major.isdecimal() or len(major) > 3 or int(major) > _NEWEST:  # noqa: PLR2004  (digits of a version)
        return f"its format_version {version[:20]} is newer than mlguard reads ({_NEWEST}.x): update mlguard"
    if "planned_values" not in top and "resource_changes" not in top:
        what = "a state" if "values" in top else "no plan"
        return f"{what}, there are no planned values in it: {_HOW}"
    return ""


class _Reading:
    """Gathers the resources of one document."""

    def __init__(self, document: Document, wanted: Wanted) -> None:
        self._read = Plan(document)
        self._wanted = wanted
        self._planned: dict[str, Node] = {}
        self._changes: dict[str, Node] = {}
        self._gone: set[str] = set()

    def plan(self, top: Node) -> Plan:
        """Give what the document plans."""
        entries = below(top)
        self._read.variables = below(top, "variables")
        self._read.configuration = below(top, "configuration")
        for resource in self._modules(entries.get("planned_values")):
            self._keep(self._planned, resource)
        for change in listed(self._of_kind(entries.get("resource_changes"), Items, "a list")):
            self._change(change)
        there = [one for one in dict.fromkeys([*self._planned, *self._changes]) if one not in self._gone]
        for address in there[:_MAX_RESOURCES]:
            self._resource(address)
        if len(there) > _MAX_RESOURCES:
            what = f"more than {_MAX_RESOURCES:,} resources in one project"
            self._read.problems.append(LimitError(what, self._read.document.path))
        self._completeness(entries)
        return self._read

    def _of_kind(self, node: Node | None, kind: type[Entries | Items], what: str) -> Node | None:
        """Check the shape of what must be an object or a list; a problem where it is something else."""
        if node is None or node.content is None or isinstance(node.content, kind):
            return node
        self._fault(node, f"{what} was expected here")
        return None

    def _fault(self, node: Node, what: str) -> None:
        at = node.key_span or node.span
        self._read.problems.append(ParseError(f"not a plan: {what}", at.path, at.line, at.column))

    def _modules(self, planned: Node | None) -> Iterator[Node]:
        """Give the resources of the root module and of all below it."""
        waiting = [below(self._of_kind(planned, Entries, "an object")).get("root_module")]
        while waiting:
            module = below(self._of_kind(waiting.pop(0), Entries, "an object"))
            yield from listed(self._of_kind(module.get("resources"), Items, "a list"))
            waiting.extend(listed(self._of_kind(module.get("child_modules"), Items, "a list")))

    def _keep(self, where: dict[str, Node], resource: Node) -> bool:
        """Keep a resource that matters by its address; a problem where it has none."""
        entries = below(resource)
        address, kind = word(entries.get("address")), word(entries.get("type"))
        if not address or not kind:
            self._fault(resource, "a resource without an address and a type")
            return False
        if word(entries.get("mode")) in ("managed", "") and self._wanted(kind):
            where[address] = resource
        return True

    def _change(self, change: Node) -> None:
        entries = below(change)
        actions = {word(action) for action in listed(below(change, "change").get("actions"))}
        if "deposed" in entries or not self._keep(self._changes, change):
            return
        if actions and actions <= _GONE:
            self._gone.add(word(entries["address"]))

    def _resource(self, address: str) -> None:
        planned, changed = self._planned.get(address), self._changes.get(address)
        first = planned if planned is not None else changed
        entries, change = below(first), below(changed, "change")
        *module, own = self._path(address, entries)
        marks = (below(planned).get("sensitive_values"), change.get("after_sensitive"))
        self._read.resources.append(
            Planned(
                address,
                word(entries["type"]),
                tuple(module),
                own,
                entries["address"],
                below(planned).get("values") or change.get("after"),
                change.get("after_unknown"),
                tuple(mark for mark in marks if mark is not None),
            )
        )

    def _path(self, address: str, entries: Mapping[str, Node]) -> list[Step]:
        """Split an address into the module calls that lead to the resource, and its own name with its key."""
        steps = steps_of(address)
        calls = [steps[at + 1] for at in range(0, len(steps) - 3, 2) if steps[at].name == "module"]
        index = entries.get("index")
        name = word(entries.get("name")) or (steps[-1].name if steps else "")
        return [*calls, Step(name, instance_key(index.content) if index is not None else None)]

    def _completeness(self, top: Mapping[str, Node]) -> None:
        """Note why the plan may not hold all that is going to be there."""
        errored, complete, deferred = (top.get(key) for key in ("errored", "complete", "deferred_changes"))
        if errored is not None and errored.content is True:
            self._read.incomplete.append((errored.place, "planning ended with an error: resources may be missing"))
        elif listed(deferred) and deferred is not None:
            self._read.incomplete.append((deferred.place, "the plan defers changes to a later run"))
        elif complete is not None and complete.content is False:
            self._read.incomplete.append((complete.place, "the plan is not complete, as with -target"))
