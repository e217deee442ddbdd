"""What an IAM policy allows of the calls that start SageMaker instances, and what limits the types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase, translate
from functools import lru_cache

from mlguard.knowledge.permissions import actions_with_key
from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject

_KEY = "sagemaker:InstanceTypes"
_FULL_ACCESS = "AmazonSageMakerFullAccess"
_HUMP = lazy_pattern(r"(?<=[a-z])(?=[A-Z])")
_PARTS_OF_AN_ARN = 6


def sagemaker_grants(subject: Subject, scenario: Scenario) -> Node:
    """List what starts SageMaker instances: items with `actions` (in words) and `limit`.

    `limit` is `types` where a condition holds for each instance type of a request, `missing` without one, `vacuous`
    where it also holds for requests that name no type, `any-value` where one allowed type lets the others through,
    `unqualified` where the operator takes one value for many, `full-access` for AWS's own policy. An administrator's
    `*` is not about SageMaker.
    """
    at = subject.resource.raw.name_span
    if _is_exempt(subject):
        return Node(Items(()), at)
    boundary = subject.raw("PermissionsBoundary", scenario) or subject.raw("permissions_boundary", scenario)
    found = [*_attached(subject, scenario), *_stated(subject, scenario)]
    grants = [grant for grant in found if isinstance(grant, Node)]
    rest = next((grant for grant in found if isinstance(grant, Unknown)), None)
    if boundary is not None and grants:
        return Node(Items((), Unknown("what its permissions boundary allows is not known")), at)
    return Node(Items(tuple(grants), rest), at)


def _is_exempt(subject: Subject) -> bool:
    listed = subject.settings.parameter("platform_principals", "")
    patterns = [str(pattern) for pattern in listed] if isinstance(listed, list | tuple) else []
    address = subject.resource.address.rpartition("/")[2].lower()  # a stack may be called platform, too
    return any(fnmatchcase(address, pattern) for pattern in patterns)


def _attached(subject: Subject, scenario: Scenario) -> Iterator[Node]:
    listed = items(subject.property("managed_policies", scenario), scenario)
    for item in listed.nodes if isinstance(listed, Items) else ():
        name = child(item, "aws_name", scenario)
        if name is not None and text_of(name.content) == _FULL_ACCESS:
            yield _grant(name, _FULL_ACCESS, "full-access")


def _stated(subject: Subject, scenario: Scenario) -> Iterator[Node | Unknown]:
    listed = items(subject.property("statements", scenario), scenario)
    if isinstance(listed, Unknown):
        yield listed
        return
    if listed.rest is not None:
        yield listed.rest
    denied = [
        action
        for statement in listed.nodes
        if _effect(statement, scenario) == "Deny" and _conditions(statement, scenario)
        for action in _named(statement, scenario)
    ]
    for statement in listed.nodes:
        effect = _effect(statement, scenario)
        if effect in ("Allow", ""):
            yield from _allowed(statement, denied, scenario)


def _allowed(statement: Node, denied: list[str], scenario: Scenario) -> Iterator[Node | Unknown]:
    actions = child(statement, "actions", scenario)
    named = [action for action in _named(statement, scenario) if action not in denied]
    named = [action for action in named if _reaches(statement, action, scenario)]
    listed = items(actions, scenario)
    rest = listed if isinstance(listed, Unknown) else listed.rest
    if rest is not None:
        yield rest
    if not named or actions is None:
        return
    conditions = items(child(statement, "conditions", scenario), scenario)
    hidden = conditions if isinstance(conditions, Unknown) else conditions.rest
    limit = _limit(_conditions(statement, scenario))
    if hidden is not None and limit != "types":
        yield hidden
        return
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    yield _grant(actions, named[0] + more, limit)


def _effect(statement: Node, scenario: Scenario) -> str:
    effect = child(statement, "effect", scenario)
    return (text_of(effect.content) or "") if effect is not None else ""


def _named(statement: Node, scenario: Scenario) -> list[str]:
    """Give the calls that start instances which a statement names, by themselves or by a pattern of SageMaker's."""
    listed = items(child(statement, "actions", scenario), scenario)
    texts = [(text_of(node.content) or "").lower() for node in listed.nodes] if isinstance(listed, Items) else []
    patterns = [_like(text) for text in texts if text.startswith("sagemaker:")]
    return [action for action in actions_with_key(_KEY) if any(one.match(action.lower()) for one in patterns)]


def _reaches(statement: Node, action: str, scenario: Scenario) -> bool:
    """Tell whether the resources of a statement may be of the kind that a call makes: `training-job/x`."""
    kind = _HUMP.sub("-", action.partition(":")[2]).lower().partition("-")[2]
    spared = items(child(statement, "not_resources", scenario), scenario)
    if isinstance(spared, Items) and any(_tail(node) in (f"{kind}/*", "*") for node in spared.nodes):
        return False
    listed = items(child(statement, "resources", scenario), scenario)
    if isinstance(listed, Unknown) or listed.rest is not None or not listed.nodes:
        return True
    return any(_may_be(_tail(node), kind) for node in listed.nodes)


def _tail(node: Node) -> str:
    """Give what an ARN says after its account: `training-job/x`; `*` where it says nothing of it."""
    content = node.content
    written = content.pattern if isinstance(content, Unknown) else text_of(content)
    parts = (written or "*").split(":", _PARTS_OF_AN_ARN - 1)
    return parts[-1] if len(parts) == _PARTS_OF_AN_ARN else "*"


def _may_be(tail: str, kind: str) -> bool:
    fixed = re.split(r"[*?$]", tail)[0]
    return f"{kind}/".startswith(fixed) or fixed.startswith(f"{kind}/")


@lru_cache(maxsize=1024)
def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))


def _conditions(statement: Node, scenario: Scenario) -> dict[str, str]:
    """Give the conditions on the instance types: operators in lower case, each with its value where it is one text."""
    listed = items(child(statement, "conditions", scenario), scenario)
    found: dict[str, str] = {}
    for node in listed.nodes if isinstance(listed, Items) else ():
        operator, key, values = (child(node, name, scenario) for name in ("operator", "key", "values"))
        if operator is not None and key is not None and (text_of(key.content) or "").lower() == _KEY.lower():
            one = items(values, scenario)
            texts = [text_of(value.content) or "" for value in one.nodes] if isinstance(one, Items) else []
            found[(text_of(operator.content) or "").lower()] = ",".join(texts)
    return found


def _limit(conditions: dict[str, str]) -> str:
    operators = [name for name in conditions if name.removeprefix("forallvalues:").startswith("string")]
    if any(name.startswith("forallvalues:") for name in operators):
        return "types" if conditions.get("null") == "false" else "vacuous"
    if any(name.startswith("foranyvalue:") for name in conditions):
        return "any-value"
    return "unqualified" if operators else "missing"


def _grant(at: Node, actions: str, limit: str) -> Node:
    fields: dict[str, Content] = {"actions": actions, "limit": limit}
    nodes = {name: Node(content, at.span, at.key_span, at.origins) for name, content in fields.items()}
    return Node(Entries(nodes), at.span, at.key_span, at.origins)
