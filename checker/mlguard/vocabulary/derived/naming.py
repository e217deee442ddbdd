"""Whether a value names a resource, where its text is known in part: `endpoint/${Endpoint.EndpointName}/variant/a`."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase

from mlguard.record import replace
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, settle
from mlguard.vocabulary.derived.subject import Siblings
from mlguard.vocabulary.joins import names_resource, without_keys

ARNS = ("", "arn")
"""The attributes that are an ARN where a name is wanted: a CloudFormation `Ref`, Terraform's `arn`."""


def kin_of(kind: str, siblings: Siblings) -> frozenset[str]:
    """Give the addresses of the resources of a kind, whatever instance of each it is."""

    def found(_scenario: Scenario) -> frozenset[str]:
        return frozenset(without_keys(one.raw.address) for one in siblings.of_kind(kind))

    return siblings.memory.recall(("kin", kind), Scenario(), found)


def names(value: Node, owner: Resource, kin: AbstractSet[str], scenario: Scenario) -> bool | None:
    """Tell whether a value names the owner and none of its kin; None when it may."""
    own = owner.properties.get("name")
    name = settle(own, scenario) if own is not None else None
    content = value.content
    if not isinstance(content, Unknown):
        return True if _same(content, name) else names_resource(value, owner.raw, name)
    whole = content.pattern in ("*", "")
    if whole and any(_refers(reference, owner, value) for reference in content.references):
        return True
    if name is not None and _same(content, name):
        return True
    if whole and any(without_keys(reference.address) in kin for reference in content.references):
        return False
    if name is not None and isinstance(name.content, str) and not fnmatchcase(name.content, content.pattern):
        return False
    return None


def refers_by_arn(value: Node, owner: Resource) -> bool:
    """Tell whether a value refers to the owner by its ARN, where AWS wants its name."""
    content = value.content
    references = content.references if isinstance(content, Unknown) else (content,)
    wrong = ("",) if owner.raw.format == "cloudformation" else ARNS[1:]
    return any(
        isinstance(reference, Reference) and reference.address == owner.raw.address and reference.attribute in wrong
        for reference in references
    )


def piece(value: Node, pattern: str) -> Node:
    """Give a part of a text that is known in part, with what the whole is made of."""
    content = value.content
    if isinstance(content, Unknown) and "*" in pattern:
        return replace(value, content=replace(content, pattern=pattern))
    return replace(value, content=pattern)


def _refers(reference: Reference, owner: Resource, at: Node) -> bool:
    return names_resource(Node(reference, at.span), owner.raw, None) is True


def _same(content: Content, name: Node | None) -> bool:
    """Tell whether two texts are the same whatever their open part turns out to be."""
    own = name.content if name is not None else None
    if not isinstance(content, Unknown):
        return isinstance(content, Reference) and content == own
    if isinstance(own, Reference):
        return content.pattern == "*" and own in content.references
    if not isinstance(own, Unknown) or own.pattern != content.pattern:
        return False
    if own.references:
        return set(own.references) <= set(content.references)
    return own.because == content.because
