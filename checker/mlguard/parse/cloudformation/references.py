"""What a name of a template means: a parameter, a resource, a pseudo parameter, an attribute."""

from __future__ import annotations

from mlguard.parse.cloudformation.evaluator import REGION, Evaluator
from mlguard.parse.cloudformation.expressions import arguments, because
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Origin, Reference, Unknown, settle

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
_PSEUDO = {
    "AWS::AccountId": "the account is chosen at deployment",
    "AWS::StackName": "the stack's name is chosen at deployment",
    "AWS::StackId": "the stack's id is known after deployment",
    "AWS::NotificationARNs": "notification topics are chosen at deployment",
}


def ref(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Ref`."""
    return named(evaluator, evaluator.value(argument, scenario).content, node, scenario)


def named(evaluator: Evaluator, name: Content, node: Node, scenario: Scenario) -> Node:
    """Give what a name stands for, placed where it is used."""
    if not isinstance(name, str):
        return replace(node, content=Unknown(because(name, "Ref without the name of something")))
    if name in evaluator.parameters:
        return evaluator.parameter(name, node, scenario)
    if name in evaluator.resources:
        return replace(node, content=Reference(f"{evaluator.prefix}{name}"))
    return replace(node, content=_pseudo(evaluator, name, scenario))


def _pseudo(evaluator: Evaluator, name: str, scenario: Scenario) -> Content:
    if name == "AWS::NoValue":
        return None
    if name == REGION:
        return evaluator.region_in(scenario)
    if name in ("AWS::Partition", "AWS::URLSuffix"):
        return evaluator.decided(name, scenario) or _of_region(name, evaluator.region_in(scenario))
    if name in _PSEUDO:
        said = {"AWS::StackName": evaluator.stack, "AWS::AccountId": evaluator.account}.get(name)
        return said or evaluator.decided(name, scenario) or Unknown(f"{name}: {_PSEUDO[name]}")
    return Unknown(f'"{name}" is neither a parameter nor a resource of this template')


def _of_region(name: str, region: str | Unknown) -> str | Unknown:
    """Give the partition, or the suffix of its host names where that is beyond doubt."""
    if isinstance(region, Unknown):
        what = "partition" if name == "AWS::Partition" else "URL suffix"
        return Unknown(f"the {what} follows from the region at deployment", "aws*" if what == "partition" else "*")
    partition = next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")
    if name == "AWS::Partition":
        return partition
    suffix = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}.get(partition)
    return suffix or Unknown("the URL suffix follows from the region at deployment")


def get_att(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::GetAtt`."""
    parts = arguments(argument) or (argument,)
    texts = [evaluator.value(part, scenario).content for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    resource, _, name = ".".join(known).partition(".")
    if len(known) < len(texts) or not name:
        hidden = next((text for text in texts if isinstance(text, Unknown)), None)
        return replace(node, content=Unknown(because(hidden, "Fn::GetAtt of something that is not named plainly")))
    return attribute(evaluator, resource, name, node, scenario)


def attribute(evaluator: Evaluator, resource: str, name: str, node: Node, scenario: Scenario) -> Node:
    """Give an attribute of a resource, an output of a nested stack where that can be read."""
    if resource not in evaluator.resources:
        return replace(node, content=Unknown(f'"{resource}" is not a resource of this template'))
    found = evaluator.outputs(resource, name.removeprefix("Outputs.")) if name.startswith("Outputs.") else None
    if found is not None:
        step = f"{resource}.{name}"
        if step in evaluator.following:
            return replace(node, content=Unknown(f"{step} refers to itself"))
        evaluator.following.add(step)
        try:
            settled = settle(found, scenario)
        finally:
            evaluator.following.discard(step)
        return Node(settled.content, node.span, node.key_span, settled.origins)
    return replace(node, content=Reference(f"{evaluator.prefix}{resource}", name))


def import_value(evaluator: Evaluator, argument: Node, node: Node, scenario: Scenario) -> Node:
    """`Fn::ImportValue`: followed to the export of another template of the same scan."""
    name = evaluator.value(argument, scenario).content
    if not isinstance(name, str):
        return replace(
            node, content=Unknown(f"the name of the imported value is not known: {because(name, 'it is no text')}")
        )
    found = evaluator.exports(name)
    if found is None:
        return replace(node, content=Unknown(f'the export "{name}" is made by another stack'))
    settled = settle(found, scenario)
    origin = Origin(found.span, f'exported here as "{name}"')
    if isinstance(settled.content, Reference):
        why = f'the export "{name}" is {settled.content.address} of another stack'
        return Node(Unknown(why), node.span, node.key_span, (origin,))
    return Node(settled.content, node.span, node.key_span, (*settled.origins, origin))
