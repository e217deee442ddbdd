"""Which provider configuration a resource uses, and what it sets: the region, and tags for everything below."""

from __future__ import annotations

from functools import partial

from mlguard.parse.terraform.configuration import alias_of
from mlguard.parse.terraform.evaluate import evaluate_softly
from mlguard.parse.terraform.expand import lazy
from mlguard.parse.terraform.scope import Instance, Scope
from mlguard.parse.terraform.syntax import (
    Argument,
    Attribute,
    Block,
    Expression,
    Index,
    Literal,
    Name,
    ObjectExpression,
    Template,
)
from mlguard.parse.terraform.values import unknown
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Choice, Entries, Items, Node, Unknown, settle

_REGION = "region of a provider"
_NOT_GIVEN = Unknown("no provider region is given: give --region or set it in the configuration")
FROM_PROVIDER = frozenset({"aws_region", "aws_partition", "aws_caller_identity"})
"""Data sources of which the provider's configuration tells something."""
_PARTITIONS = {"cn": ("aws-cn", "amazonaws.com.cn"), "us-gov": ("aws-us-gov", "amazonaws.com")}
_ISOLATED = ("us-iso", "eu-iso", "eusc-")


def _named(expression: Expression | None) -> tuple[str, str, Expression | None]:
    """Read `aws`, `aws.west` or `aws.by_region[key]`."""
    key: Expression | None = None
    if isinstance(expression, Index):
        key, expression = expression.key, expression.target
    if isinstance(expression, Attribute) and isinstance(expression.target, Name):
        return expression.target.name, expression.name, key
    if isinstance(expression, Name):
        return expression.name, "", key
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        name, _, alias = expression.value.partition(".")
        return name, alias, key
    if isinstance(expression, Template) and len(expression.parts) == 1:
        part = expression.parts[0]
        return _named(part) if isinstance(part, Attribute | Name | Index) else ("", "", None)
    return "", "", None


Found = tuple[Block, Scope, Expression | None, Scope]


def provider_of(block: Block | None, kind: str, scope: Scope) -> Found | None:
    """Find the provider configuration of a resource: its block and scope, its key and the scope of that."""
    given = block.arguments.get("provider") if block else None
    name, alias, key = _named(given.value) if given else (kind.partition("_")[0], "", None)
    found = _find(scope.instance, name, alias)
    if found is None:
        return None
    provider, inside, passed_key, passed_scope = found
    return (provider, inside, key, scope) if key is not None else (provider, inside, passed_key, passed_scope)


def _find(instance: Instance | None, name: str, alias: str) -> Found | None:
    while instance is not None:
        passed = _passed(instance, name, alias)  # it wins over the block of that alias that older modules hold
        if passed is not None:
            name, alias, key = _named(passed)
            if key is not None and instance.scope is not None:
                found = _find(instance.parent, name, alias)
                return None if found is None else (found[0], found[1], key, instance.scope)
        else:
            for block in instance.configuration.providers(name):
                if alias_of(block) == alias:
                    scope = Scope(instance, block.document)
                    return block, scope, None, scope
            if alias:
                return None
        instance = instance.parent
    return None


def _passed(instance: Instance, name: str, alias: str) -> Expression | None:
    argument = instance.argument("providers")
    if argument is None or not isinstance(argument.value, ObjectExpression):
        return None
    for key, value in argument.value.pairs:
        if _named(key)[:2] == (name, alias):
            return value
    return None


def _inside(found: Found, scenario: Scenario) -> Scope:
    """Give the scope of a provider's arguments: with `for_each`, that of the one instance that is used."""
    block, scope, key, outside = found
    over = block.arguments.get("for_each")
    if over is None or key is None:
        return scope
    at = scope.span(block)
    chosen = evaluate_softly(key, outside, scenario)
    all_values = evaluate_softly(over.value, scope, scenario)
    value = Node(unknown(chosen.content) or chosen.content, at)
    if isinstance(all_values.content, Entries) and isinstance(chosen.content, str):
        value = all_values.content.nodes.get(chosen.content, Node(Unknown("the provider has no such instance"), at))
    return scope.bind({"each": Node(Entries({"key": chosen, "value": value}), at)})


def region_of(block: Block | None, kind: str, scope: Scope, scenario: Scenario, given: str) -> Node:
    """Give the region of a resource: its own, that of its provider, else the one that the user gave."""
    own = block.arguments.get("region") if block else None
    if own is not None and block is not None:
        node = settle(lazy(own, replace(scope, document=own.document)), scenario)
        if node.content is not None:
            return node
    found = provider_of(block, kind, scope)
    region = found[0].arguments.get("region") if found else None
    at = block.document.span(block.start, block.header_end) if block else scope.document.span(0, 0)
    node = Node(given or _NOT_GIVEN, at)
    if found is not None and region is not None:
        told = _told(found, region, scenario)
        if told.content is not None and not (isinstance(told.content, Unknown) and given):
            return told
    return node


def _told(found: Found, region: Argument, scenario: Scenario) -> Node:
    """Give the region that a provider says; unknown where it asks for the region that it says."""
    inside = replace(_inside(found, scenario), document=region.document)
    at, busy, key = inside.span(region), inside.session.busy, (_REGION, id(region))
    if key in busy:
        return Node(Unknown("the region of the provider depends on itself"), at)
    busy.add(key)
    try:
        return replace(evaluate_softly(region.value, inside, scenario), key_span=at)
    finally:
        busy.discard(key)


def told_by_provider(
    kind: str, attribute: str, block: Block | None, scope: Scope, scenario: Scenario, given: str
) -> Node | None:
    """Give the attribute of a data source that the provider's configuration tells; None where it does not."""
    if kind == "aws_caller_identity":
        return _only_account(block, scope, scenario) if attribute in ("account_id", "id") else None
    region = region_of(block, kind, scope, scenario, given)
    if kind == "aws_region":
        return region if attribute in ("name", "id", "region") else None
    if not isinstance(region.content, str) or region.content.startswith(_ISOLATED):
        return None
    names = next((found for start, found in _PARTITIONS.items() if region.content.startswith(f"{start}-")), None)
    partition, suffix = names or ("aws", "amazonaws.com")
    told = {"partition": partition, "id": partition, "dns_suffix": suffix}.get(attribute)
    return None if told is None else Node(told, region.span)


def _only_account(block: Block | None, scope: Scope, scenario: Scenario) -> Node | None:
    """Give the account that a provider may be used with, where there is only one."""
    found = provider_of(block, "aws_caller_identity", scope)
    allowed = found[0].arguments.get("allowed_account_ids") if found else None
    if found is None or allowed is None:
        return None
    listed = evaluate_softly(allowed.value, replace(_inside(found, scenario), document=allowed.document), scenario)
    content = listed.content
    return content.nodes[0] if isinstance(content, Items) and len(content.nodes) == 1 and not content.rest else None


def region_node(block: Block, kind: str, scope: Scope, given: str) -> Node:
    """Give the region of a resource as a node that is found out when somebody looks."""
    at = block.document.span(block.start, block.header_end)
    key = object()
    memory = scope.session.memory

    def choose(scenario: Scenario) -> Node:
        return memory.recall(key, scenario, lambda inner: region_of(block, kind, scope, inner, given))

    return Node(Choice(choose), at)


def default_tags(block: Block, kind: str, scope: Scope) -> Node | None:
    """Give the tags that the provider puts on the resource, None where it puts none."""
    found = provider_of(block, kind, scope)
    if found is None:
        return None
    for inner in found[0].blocks:
        if inner.type == "default_tags" and "tags" in inner.arguments:
            given = inner.arguments["tags"]
            at = inner.document.span(inner.start, inner.end)

            return Node(Choice(partial(_tags, found, given)), at, given.document.span(given.start, given.end))
        if inner.type == "dynamic" and inner.labels == ["default_tags"]:
            return Node(
                Unknown("the default tags of the provider are generated"), inner.document.span(inner.start, inner.end)
            )
    return None


def _tags(found: Found, given: Argument, scenario: Scenario) -> Node:
    return settle(lazy(given, _inside(found, scenario)), scenario)
