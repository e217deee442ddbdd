"""What an IAM policy allows of Bedrock: which models may be asked, and whether throughput may be bought."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

from mlguard.knowledge.bedrock import models_like
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, child, items, text_of
from mlguard.vocabulary.derived.iam import iam_statements
from mlguard.vocabulary.derived.subject import Subject

_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
_BUY = ("bedrock:CreateProvisionedModelThroughput",)
_ACTIONS = (*_INVOKE, *_BUY)
_FULL_ACCESS = "AmazonBedrockFullAccess"
_MODEL = "foundation-model/"
_NARROWING = ("bedrock:inferenceprofilearn", "bedrock:promptrouterarn", "aws:resourcetag/", "aws:requesttag/")
_PARTS_OF_AN_ARN = 6


def bedrock_grants(subject: Subject, scenario: Scenario) -> Node:
    """List what a policy allows of Bedrock, each pattern of models and each way to buy throughput by itself.

    A statement that names no action of Bedrock, such as an administrator's `*`, is not about Bedrock. One whose
    conditions tie it to profiles, routers or tags, and one whose document denies other models, is narrow enough.
    """
    listed = iam_statements(subject, scenario).content
    found: list[Node] = list(_full_access(subject, scenario))
    rest: Unknown | None = None
    statements = listed.nodes if isinstance(listed, Items) else ()
    narrowed = any(_denies_others(statement, scenario) for statement in statements)
    for statement in statements:
        for grant in _grants(subject, statement, scenario, narrowed=narrowed):
            if isinstance(grant, Unknown):
                rest = rest or grant
            else:
                found.append(grant)
    rest = rest or (listed.rest if isinstance(listed, Items) else None) or _unknown_attachment(subject, scenario)
    return Node(Items(tuple(found), rest), subject.resource.raw.name_span)


def _attached(subject: Subject, scenario: Scenario) -> Items:
    listed = items(subject.property("managed_policies", scenario), scenario)
    return Items((), listed) if isinstance(listed, Unknown) else listed


def _full_access(subject: Subject, scenario: Scenario) -> Iterator[Node]:
    for item in _attached(subject, scenario).nodes:
        name = child(item, "aws_name", scenario)
        if name is not None and text_of(name.content) == _FULL_ACCESS:
            yield _grant(name, commits=True, through=_FULL_ACCESS)


def _unknown_attachment(subject: Subject, scenario: Scenario) -> Unknown | None:
    attached = _attached(subject, scenario)
    names = (child(item, "aws_name", scenario) for item in attached.nodes)
    hidden = (name.content for name in names if name is not None and isinstance(name.content, Unknown))
    return attached.rest or next(hidden, None)


def _denies_others(statement: Node, scenario: Scenario) -> bool:
    others = child(statement, "not_resources", scenario)
    return _effect(statement, scenario) == "Deny" and others is not None and _names(statement, _INVOKE, scenario)


def _effect(statement: Node, scenario: Scenario) -> str:
    effect = child(statement, "effect", scenario)
    return (text_of(effect.content) or "") if effect is not None else ""


def _names(statement: Node, wanted: tuple[str, ...], scenario: Scenario) -> bool:
    """Tell whether a statement names one of some actions, by itself or by a pattern of Bedrock's actions."""
    listed = items(child(statement, "actions", scenario), scenario)
    texts = [text_of(node.content) or "" for node in listed.nodes] if isinstance(listed, Items) else []
    patterns = [text.lower() for text in texts if text.lower().startswith("bedrock:")]
    return any(_like(pattern).match(action.lower()) for pattern in patterns for action in wanted)


def _hidden_action(statement: Node, scenario: Scenario) -> Unknown | None:
    """Give why a statement may name an action of Bedrock that is not written in it."""
    listed = items(child(statement, "actions", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    for node in listed.nodes:
        content = node.content
        if isinstance(content, Reference):
            return Unknown(f"{content.address} decides it")
        if isinstance(content, Unknown) and any(_like(content.pattern.lower()).match(one.lower()) for one in _ACTIONS):
            return content
    return listed.rest


@lru_cache(maxsize=1024)
def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))


def _grants(subject: Subject, statement: Node, scenario: Scenario, *, narrowed: bool) -> Iterator[Node | Unknown]:
    if _effect(statement, scenario) != "Allow":
        return
    hidden = _hidden_action(statement, scenario)
    if hidden is not None:
        yield hidden
    if _names(statement, _BUY, scenario):
        yield _grant(child(statement, "actions", scenario) or statement, commits=True, through=_BUY[0])
    narrow = narrowed or _is_narrow(statement, scenario)
    if _names(statement, _INVOKE, scenario) and narrow is not True:
        grants = _of_models(subject, statement, scenario)
        yield from grants if narrow is False else (narrow for _ in grants)


def _of_models(subject: Subject, statement: Node, scenario: Scenario) -> Iterator[Node | Unknown]:
    """Give what a statement that allows calls lets its holder ask."""
    if child(statement, "not_resources", scenario) is not None:
        yield from _of_pattern(child(statement, "not_resources", scenario) or statement, "*")
        return
    listed = items(child(statement, "resources", scenario), scenario)
    if isinstance(listed, Unknown):
        yield listed
        return
    if listed.rest is not None:
        yield listed.rest
    for node in listed.nodes:
        pattern = _model_pattern(subject, node)
        if isinstance(pattern, Unknown):
            yield pattern
        elif pattern is not None:
            yield from _of_pattern(node, pattern)


def _is_narrow(statement: Node, scenario: Scenario) -> bool | Unknown:
    """Tell whether a condition ties a statement to profiles, routers or tags."""
    listed = items(child(statement, "conditions", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    keys = [child(node, "key", scenario) for node in listed.nodes]
    written = [(text_of(key.content) or "").lower() for key in keys if key is not None]
    return any(key.startswith(_NARROWING) for key in written) or listed.rest or False


def _model_pattern(subject: Subject, node: Node) -> str | Unknown | None:
    """Give the pattern of model ids that an ARN pattern allows; None where it allows no model of Bedrock's own."""
    content = node.content
    if isinstance(content, Reference):
        return None  # a resource of the project is no model of Bedrock's own
    written = content.pattern if isinstance(content, Unknown) else text_of(content) or ""
    parts = written.split(":", _PARTS_OF_AN_ARN - 1)
    whole = len(parts) == _PARTS_OF_AN_ARN
    if not (_may_be_a_model(parts) if whole else _like(written.lower()).match(f"arn:aws:bedrock:us-east-1::{_MODEL}x")):
        return None
    tail = parts[-1] if whole else "*"
    if isinstance(content, Unknown) and "*" in tail and (tail == "*" or not _stands_there(subject, node, tail)):
        return content
    return tail.removeprefix(_MODEL) if tail.startswith(_MODEL) else "*"


def _may_be_a_model(parts: list[str]) -> bool:
    fixed = re.split(r"[*?]", parts[-1])[0]
    of_bedrock = _like(parts[2]).match("bedrock") is not None
    return of_bedrock and (fixed.startswith(_MODEL) or (_MODEL.startswith(fixed) and fixed != parts[-1]))


def _stands_there(subject: Subject, node: Node, tail: str) -> bool:
    """Tell whether the wildcards of a partly known text are the author's own: whether they stand so in the file."""
    document = subject.project.documents.get(node.span.path)
    if document is None:
        return False
    return any(tail in document.line(number) for number in range(node.span.line, node.span.end_line + 1))


def _of_pattern(node: Node, pattern: str) -> Iterator[Node]:
    """Give what the models of a pattern cost, from the cheapest to the dearest."""
    prices = [price.output for _, price in models_like(pattern) if price.output is not None]
    if len(prices) > 1:
        low, high = min(prices), max(prices)
        yield _grant(node, commits=False, pattern=pattern, models=len(prices), low=low, high=high)


def _grant(  # noqa: PLR0913  (the fields of an item)
    at: Node,
    *,
    commits: bool,
    through: str = "",
    pattern: str = "",
    models: int = 0,
    low: float = 1.0,
    high: float = 1.0,
) -> Node:
    fields: dict[str, Content] = {
        "commits": commits,
        "through": through or None,
        "pattern": pattern or None,
        "models": models,
        "price_spread": round(high / low) if low else None,
        "cheapest_usd": low,
        "dearest_usd": high,
    }
    nodes = {name: Node(content, at.span, at.key_span, at.origins) for name, content in fields.items()}
    return Node(Entries(nodes), at.span, at.key_span, at.origins)
