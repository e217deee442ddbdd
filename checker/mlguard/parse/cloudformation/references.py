"""What a name of a template means: a parameter, a resource, a pseudo parameter, an attribute."""

from __future__ import annotations

from dataclasses import replace

from mlguard.parse.cloudformation.evaluator import REGION, Evaluator
from mlguard.parse.cloudformation.expressions import arguments
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, settle

_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-iso-", "aws-iso"), ("us-isob-", "aws-iso-b"))
_PSEUDO = {
    "AWS::AccountId": "the account is chosen at deployment",
    "AWS::StackName": "the stack's name is chosen at deployment",
    "AWS::StackId": "the stack's id is known after deployment",
    "AWS::NotificationARNs": "notification topics are chosen at deployment",
    "AWS::URLSuffix": "the URL suffix follows from the region at deployment",
}


def ref(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Ref`."""
    return named(evaluator, argument.content, node, scenario)


def named(evaluator: Evaluator, name: Content, node: Node, scenario: Scenario) -> Node:
    """Give what a name stands for, placed where it is used."""
    if not isinstance(name, str):
        return replace(node, content=Unknown("Ref without the name of something"))
    if name in evaluator.parameters:
        return evaluator.parameters[name].value(scenario, node)
    if name in evaluator.resources:
        return replace(node, content=Reference(f"{evaluator.prefix}{name}"))
    return replace(node, content=_pseudo(evaluator, name, scenario))


def _pseudo(evaluator: Evaluator, name: str, scenario: Scenario) -> Content:
    if name == "AWS::NoValue":
        return None
    if name == REGION:
        return evaluator.region_in(scenario)
    if name == "AWS::Partition":
        region = evaluator.region_in(scenario)
        if isinstance(region, Unknown):
            return Unknown("the partition follows from the region at deployment", "aws*")
        return next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")
    if name in _PSEUDO:
        return Unknown(f"{name}: {_PSEUDO[name]}")
    return Unknown(f'"{name}" is neither a parameter nor a resource of this template')


def get_att(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::GetAtt`."""
    parts = arguments(argument) or (argument,)
    texts = [evaluator.value(part, scenario).content for part in parts]
    if len(texts) == 1 and isinstance(texts[0], str):
        texts = list(texts[0].split(".", 1))
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):  # noqa: PLR2004  (resource, attribute)
        return replace(node, content=Unknown("Fn::GetAtt of something that is not named plainly"))
    return attribute(evaluator, str(texts[0]), str(texts[1]), node, scenario)


def attribute(evaluator: Evaluator, resource: str, name: str, node: Node, scenario: Scenario) -> Node:
    """Give an attribute of a resource, an output of a nested stack where that can be read."""
    if resource not in evaluator.resources:
        return replace(node, content=Unknown(f'"{resource}" is not a resource of this template'))
    if name.startswith("Outputs."):
        found = evaluator.outputs(resource, name.removeprefix("Outputs."))
        if found is not None:
            settled = settle(found, scenario)
            return Node(settled.content, node.span, node.key_span, settled.origins)
    return replace(node, content=Reference(f"{evaluator.prefix}{resource}", name))
