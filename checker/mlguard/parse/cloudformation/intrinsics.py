"""CloudFormation's intrinsic functions by name."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.parse.cloudformation.evaluator import Evaluator, Function
from mlguard.parse.cloudformation.expressions import arguments
from mlguard.parse.cloudformation.lists import length, select, split
from mlguard.parse.cloudformation.mappings import find_in_map
from mlguard.parse.cloudformation.references import get_att, import_value, ref
from mlguard.parse.cloudformation.texts import encode_base64, join, sub, to_json_string
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Entries, Items, Node, Unknown


def choose(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::If`."""
    parts = arguments(argument)
    if len(parts) != 3 or not isinstance(parts[0].content, str):  # noqa: PLR2004  (condition, then, else)
        return replace(node, content=Unknown("Fn::If needs the name of a condition and two values"))
    chosen = parts[1] if evaluator.condition(parts[0].content, scenario) else parts[2]
    settled = evaluator.value(chosen, scenario)
    if isinstance(settled.content, Entries | Items):
        return replace(settled, key_span=node.key_span)
    return Node(settled.content, chosen.span, chosen.key_span, settled.origins)


def _at_deployment(why: str) -> Function:
    def unknown(_evaluator: Evaluator, _argument: Node, node: Node, _scenario: Scenario) -> Node:
        return replace(node, content=Unknown(why))

    return unknown


FUNCTIONS: Mapping[str, Function] = {
    "Ref": ref,
    "Fn::GetAtt": get_att,
    "Fn::If": choose,
    "Fn::FindInMap": find_in_map,
    "Fn::Select": select,
    "Fn::Split": split,
    "Fn::Join": join,
    "Fn::Sub": sub,
    "Fn::Base64": encode_base64,
    "Fn::Length": length,
    "Fn::ToJsonString": to_json_string,
    "Fn::ImportValue": import_value,
    "Fn::Cidr": _at_deployment("Fn::Cidr computes address blocks at deployment"),
    "Fn::GetAZs": _at_deployment("Fn::GetAZs lists the zones of the account at deployment"),
    "Fn::GetStackOutput": _at_deployment("Fn::GetStackOutput reads another stack at deployment"),
    "Fn::Transform": _at_deployment("a macro (Fn::Transform) gives it at deployment"),
}
"""What is not here is evaluated at deployment."""
