"""Looking values up in the `Mappings` of a template: `Fn::FindInMap`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because
from mlguard.scenario import Scenario
from mlguard.value import Entries, Node, Unknown, text_of


def find_in_map(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::FindInMap`."""
    parts = arguments(argument)
    if len(parts) < 3 or evaluator.mappings is None:  # noqa: PLR2004  (map, first key, second key)
        return replace(node, content=Unknown("Fn::FindInMap without a map of this template"))
    here = evaluator.mappings
    for part in parts[:3]:
        settled = evaluator.value(part, scenario)
        key = text_of(settled.content)
        if key is None:
            why = because(settled.content, "its key is not known")
            return replace(node, content=Unknown(f"Fn::FindInMap: {why}"))
        below = here.content.nodes.get(key) if isinstance(here.content, Entries) else None
        if below is None:
            return _default(evaluator, parts, key, node, scenario)
        here = below
    return Node(here.content, node.span, node.key_span, here.origins)


def _default(evaluator: Evaluator, parts: Sequence[Node], key: str, node: Node, scenario: Scenario) -> Node:
    if len(parts) == 4 and isinstance(parts[3].content, Entries):  # noqa: PLR2004  (the fourth holds the default)
        default = parts[3].content.nodes.get("DefaultValue")
        if default is not None:
            return evaluator.value(default, scenario)
    return replace(node, content=Unknown(f'Fn::FindInMap: there is no key "{key}"'))
