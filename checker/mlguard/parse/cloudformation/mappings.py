"""Looking values up in the `Mappings` of a template: `Fn::FindInMap`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlguard.parse.cloudformation.evaluator import REGION, Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because, name_in
from mlguard.parse.cloudformation.mentions import OTHER, subject
from mlguard.record import replace
from mlguard.scenario import ImpossibleError, Scenario
from mlguard.value import Entries, Node, Origin, Unknown, text_of


def find_in_map(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::FindInMap`; a key that nobody knows is explored over the keys of the map.

    A deployment fails where a key is missing and there is no default value: such a scenario is impossible.
    """
    parts = arguments(argument)
    if len(parts) not in {3, 4} or evaluator.mappings is None:  # map, first key, second key, default value
        return replace(node, content=Unknown("Fn::FindInMap without a map of this template"))
    here = evaluator.mappings
    for part in parts[:3]:
        key = text_of(found := evaluator.compared(part, scenario).content)
        if key is None:
            why = because(found, "its key is not known")
            return replace(node, content=Unknown(f"Fn::FindInMap: {why}"))
        below = _below(here).get(key)
        if below is None:
            return _missing(evaluator, parts, part, key, node, scenario)
        here = below
    name = text_of(parts[0].content)
    origin = Origin(here.span, f'value in the map "{name}"' if name else "value in this map")
    return Node(evaluator.value(here, scenario).content, node.span, node.key_span, (origin,))


def _below(node: Node) -> Mapping[str, Node]:
    return node.content.nodes if isinstance(node.content, Entries) else {}


def _missing(evaluator: Evaluator, parts: Sequence[Node], part: Node, key: str, node: Node, scenario: Scenario) -> Node:
    default = _below(parts[3]).get("DefaultValue") if len(parts) == 4 else None  # noqa: PLR2004
    if default is not None:
        return evaluator.value(default, scenario)
    if key == OTHER or _is_explored(evaluator, part, scenario):
        raise ImpossibleError
    return replace(node, content=Unknown(f'Fn::FindInMap: there is no key "{key}"'))


def _is_explored(evaluator: Evaluator, part: Node, scenario: Scenario) -> bool:
    """Tell whether the key is one of those that stand for every value of something open."""
    name = name_in(part)
    declared = evaluator.parameters.get(name)
    if declared is not None:
        return declared.given is None and declared.default is None and not declared.allowed
    if name == REGION and evaluator.region:
        return False
    return bool(evaluator.mentioned.get(subject(part))) and scenario.decided(evaluator.variable(part))
