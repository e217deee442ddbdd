"""Say what is wrong with which values: the texts of findings, filled in from the leaf that settled the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from mlguard.patterns import lazy_pattern
from mlguard.policy.evaluate import Context, Leaf
from mlguard.policy.model import Policy
from mlguard.resource import Resource
from mlguard.scenario import Decided
from mlguard.value import Entries, Items, Node, Reference, Unknown, child, settle, text_of

_PLACEHOLDER = lazy_pattern(r"\{([a-z_]+)\}")
_MAX_LISTED = 8
_MAX_SCENARIOS = 3


def message(policy: Policy, resource: Resource | None, leaf: Leaf, context: Context) -> str:
    """Fill in the policy's text for the leaf; every placeholder is a property, a parameter or one of the leaf's own."""
    template = _template(policy, leaf)

    def fill(match: re.Match[str]) -> str:
        return _value(match[1], resource, leaf, context)

    return _PLACEHOLDER.sub(fill, template)


def _template(policy: Policy, leaf: Leaf) -> str:
    """Choose the text: for `property.found value`, `property.test`, `property`, else the one for all others."""
    name = leaf.path[-1] if leaf.path else ""
    found = text_of(leaf.found.content) if leaf.found is not None else None
    keys = [*([f"{name}.{found}"] if found is not None else []), f"{name}.{leaf.relation}", name, ""]
    return next((policy.messages[key] for key in keys if key in policy.messages), policy.title)


def _value(name: str, resource: Resource | None, leaf: Leaf, context: Context) -> str:
    if name == "wanted":
        money = bool(leaf.path) and leaf.path[-1].endswith("_usd")
        return _dollars(leaf.wanted) if money and isinstance(leaf.wanted, int | float) else _shown(leaf.wanted)
    if name == "found":
        return _content(leaf.found)
    if name == "resource":
        return resource.address if resource is not None else "the project"
    for scope in (leaf.scope, Node(Entries(resource.properties), resource.raw.span) if resource else None):
        node = child(scope, name, context.scenario) if scope is not None else None
        if node is not None:
            return _content(node, money=name.endswith("_usd"))
    environment = context.outer.get("environment")
    selected = _content(settle(environment, context.scenario)) if environment is not None else ""
    try:
        return _shown(context.parameter(name, {"environment": selected}))
    except KeyError:
        return "not known"


def _content(node: Node | None, *, money: bool = False) -> str:
    content = node.content if node is not None else None
    if money and isinstance(content, int | float):
        return _dollars(content)
    if isinstance(content, Unknown):
        return content.pattern if content.pattern != "*" else "an unknown value"
    if isinstance(content, Reference):
        return content.address
    if isinstance(content, Items):
        return _shown([_content(item) for item in content.nodes])
    return text_of(content) or "nothing"


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"  # noqa: PLR2004  (cents matter below)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        listed = [str(item) for item in value]
        more = len(listed) - _MAX_LISTED
        return ", ".join(listed[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
    return text_of(value) if isinstance(value, str | int | float | bool) and text_of(value) is not None else "nothing"  # type: ignore[return-value]


def witness(failing: Sequence[Mapping[str, Decided]], every: Sequence[Mapping[str, Decided]]) -> str:
    """Say in which scenarios a finding holds: `Env = prod`; empty when it holds in all of them."""
    if len(failing) == len(every):
        return ""
    by_variable = _values(failing)
    combinations = 1
    for values in by_variable.values():
        combinations *= len(values)
    everywhere = _values(every)
    if combinations == len(failing) or len(by_variable) == 1:
        telling = {name: values for name, values in by_variable.items() if len(values) < len(everywhere[name])}
        return " and ".join(f"{name} = {_alternatives(values)}" for name, values in (telling or by_variable).items())
    shown = [" and ".join(f"{name} = {_word(value)}" for name, value in one.items()) for one in failing]
    more = len(shown) - _MAX_SCENARIOS
    return ", or ".join(shown[:_MAX_SCENARIOS]) + (f", or in {more} more cases" if more > 0 else "")


def _values(scenarios: Iterable[Mapping[str, Decided]]) -> dict[str, list[Decided]]:
    found: dict[str, list[Decided]] = {}
    for decisions in scenarios:
        for name, value in decisions.items():
            listed = found.setdefault(name, [])
            if value not in listed:
                listed.append(value)
    return found


def _alternatives(values: Sequence[Decided]) -> str:
    words = [_word(value) for value in values[:_MAX_LISTED]]
    if len(values) > _MAX_LISTED:
        words.append(f"{len(values) - _MAX_LISTED} more")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _word(value: Decided) -> str:
    return text_of(value) or "nothing"
