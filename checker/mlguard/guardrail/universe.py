"""Requests that tell SCPs apart: spanned by the actions, values, resources and principals that statements name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations, product
from math import prod

from mlguard.knowledge.instances import types as instance_types
from mlguard.knowledge.regions import names as region_names
from mlguard.scp.actions import Action, carries, details, expand, is_global, is_multivalued, key_type
from mlguard.scp.decide import DEVELOPER, Request, Values, holds
from mlguard.scp.exemptions import PRINCIPAL
from mlguard.scp.matching import like
from mlguard.scp.written import Test, WrittenStatement

_ACCOUNT = "123456789012"
_DEAR_MODEL = "anthropic.claude-3-opus-20240229-v1:0"
OTHER = "mlguard-other"
"""A value that no statement names, and nobody means."""

_TAG = "aws:requesttag/"
_MAX_ACTIONS = 400  # of one pattern
_MAX_PRODUCT = 2_000  # of the values of one action; beyond, one key varies at a time
_ANYTHING = (
    "sagemaker:CreateTrainingJob",
    "ec2:RunInstances",
    "s3:CreateBucket",
    "iam:CreateRole",
    "bedrock:InvokeModel",
)
Row = tuple[tuple[str, ...] | None, ...]
Choices = Sequence[tuple[str, ...] | None]


def universe(statements: Sequence[WrittenStatement]) -> Iterator[Request]:
    """Give requests for every action that the statements name; the same statements give the same requests."""
    for action in named_actions(statements):
        yield from requests_for(action, statements)


def named_actions(statements: Sequence[WrittenStatement]) -> list[str]:
    """Give every action that a Deny names, patterns expanded."""
    return sorted({action for one in statements if one.effect == "Deny" for action in _actions(one)})


def about(action: str, statements: Sequence[WrittenStatement]) -> list[WrittenStatement]:
    """Give the statements that may deny an action."""
    return [one for one in statements if one.effect == "Deny" and _names(one, action)]


def requests_for(action: str, statements: Sequence[WrittenStatement]) -> Iterator[Request]:
    """Give requests for one action: every mix of what the statements name, as long as there are not too many.

    Beyond that, and for principals that some statement exempts, one key varies at a time around what is denied.
    """
    denying = about(action, statements)
    for resource, keys in choices(action, denying):
        size = prod(len(listed) for listed in keys.values())
        around = list(_around(keys, denying))
        rows = list(product(*keys.values())) if size <= _MAX_PRODUCT else around
        for row in rows:
            yield Request(action, resource, DEVELOPER, context_of(keys, row))
        for principal in _principals(denying):
            for row in around:
                yield Request(action, resource, principal, context_of(keys, row))


def choices(action: str, denying: Sequence[WrittenStatement]) -> Iterator[tuple[str, Mapping[str, Choices]]]:
    """Give each resource that requests for an action may be about, and what they may carry of each key."""
    known = details(action)
    tests: dict[str, list[Test]] = {}
    for statement in denying:
        for test in statement.tests:
            if test.key.value.lower() != PRINCIPAL.lower():
                tests.setdefault(_spelling(test.key.value, tests), []).append(test)
    for resource in _resources(action, denying):
        yield resource, {key: values(key, listed) for key, listed in tests.items() if _carried(key, known, resource)}


def _actions(statement: WrittenStatement) -> list[str]:
    if statement.not_action:
        return list(_ANYTHING)
    found: list[str] = []
    for text in statement.actions:
        found.extend(expand(text.value)[:_MAX_ACTIONS] or ([] if "*" in text.value else [text.value]))
    return found


def _names(statement: WrittenStatement, action: str) -> bool:
    named = any(like(text.value, action, ignore_case=True) for text in statement.actions)
    return named != statement.not_action


def _spelling(key: str, seen: Iterable[str]) -> str:
    return next((one for one in seen if one.lower() == key.lower()), key)


def _carried(key: str, known: Action | None, resource: str) -> bool:
    if known is None or is_global(key):
        return True
    kind = resource.split(":", 5)[-1].partition("/")[0]
    return carries(known.resources.get(kind, known.keys), key)


def context_of(keys: Iterable[str], row: Sequence[tuple[str, ...] | None]) -> dict[str, Values]:
    """Give the context of a request with the values of a row, None for a key that is absent."""
    return {name: Values(chosen) for name, chosen in zip(keys, row, strict=True) if chosen is not None}


def _around(keys: Mapping[str, Choices], denying: Sequence[WrittenStatement]) -> Iterator[Row]:
    """Vary one key at a time around each point at which a statement denies, and around the point without any key."""
    names = list(keys)
    seen: dict[Row, None] = {tuple(None for _ in names): None}
    for statement in denying:
        seen[tuple(denied_value(name, keys[name], statement) for name in names)] = None
    rows: dict[Row, None] = {}
    for base in seen:
        rows[base] = None
        for index, name in enumerate(names):
            rows.update(dict.fromkeys((*base[:index], one, *base[index + 1 :]) for one in keys[name]))
    yield from rows


def denied_value(key: str, listed: Choices, statement: WrittenStatement) -> tuple[str, ...] | None:
    """Choose a value of a key for which all that a statement says about the key holds."""
    return next((one for one in listed if all(holds_for(key, one, statement))), listed[0])


def holds_for(key: str, value: tuple[str, ...] | None, statement: WrittenStatement) -> list[bool]:
    """Tell of each test of a key whether it holds for a value, or for a request without the key."""
    request = Request("", context={key: Values(value)} if value is not None else {})
    return [bool(holds(test, request)) for test in statement.tests if test.key.value.lower() == key.lower()]


def values(key: str, tests: Sequence[Test]) -> Choices:
    """Give what a request may carry of a key: one for each way in which the tests can come out.

    Values that no test tells apart make no other decision, so that one of them stands for all; nothing is the last.
    """
    named: dict[str, None] = {}
    for test in tests:
        for value in test.values:
            named.update(dict.fromkeys(_samples(key, value.value, test)))
    real = set(_real(key))
    ordered = sorted(named, key=lambda one: bool(real) and one not in real)  # a real machine tells more
    plain = list(_told_apart(key, [(one,) for one in ordered], tests))
    found: list[tuple[str, ...]] = list(plain)
    if is_multivalued(key):
        found += [(*one, *other) for one, other in combinations(plain, 2)]
    return [*_told_apart(key, found, tests), None]


def _told_apart(key: str, listed: Iterable[tuple[str, ...]], tests: Sequence[Test]) -> Iterable[tuple[str, ...]]:
    """Keep the first of the choices that all tests agree about."""
    found: dict[tuple[bool | None, ...], tuple[str, ...]] = {}
    for one in listed:
        request = Request("", context={key: Values(one)})
        found.setdefault(tuple(holds(test, request) for test in tests), one)
    return found.values()


def _samples(key: str, value: str, test: Test) -> Iterator[str]:
    if test.base == "Null":
        yield "3600" if (key_type(key) or "").endswith("Numeric") else _strangers(key)[0]
    elif test.base.startswith("Numeric"):
        number = float(value) if value.replace(".", "", 1).lstrip("-").isdigit() else 0
        yield from (_number(max(number - 1, 0.0)), _number(number), _number(number + 1))
    elif test.base == "Bool":
        yield from ("true", "false")
    else:
        yield from _strangers(key)
        yield from concrete(value, _real(key))
        yield OTHER  # one that no pattern fits


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _real(key: str) -> Sequence[str]:
    lowered = key.lower()
    if lowered.endswith(("instancetype", "instancetypes")):
        prefix = "ml." if lowered.startswith("sagemaker:") else ""
        return [f"{prefix}{name}" for name in instance_types()]
    return region_names() if lowered == "aws:requestedregion" else ()


def _strangers(key: str) -> tuple[str, ...]:
    """Give values that people may ask for whatever the statements name: a dear one and a cheap one of machines."""
    lowered = key.lower()
    if lowered.endswith(("arn", "arns")):
        return (f"arn:aws:sagemaker:us-east-1:{_ACCOUNT}:{OTHER}/x",)
    if lowered == "sagemaker:instancetypes":
        return "ml.p5.48xlarge", "ml.m5.large"
    if lowered.endswith(("instancetype", "instancetypes")):
        return "p5.48xlarge", "m5.large"
    if lowered.startswith(_TAG):
        return ("example",)
    return ("ap-south-2", "us-east-1") if lowered == "aws:requestedregion" else (OTHER,)


def concrete(pattern: str, real: Sequence[str] = ()) -> list[str]:
    """Give texts that match a pattern: real ones where there are some, else one with the wildcards filled in."""
    if "*" not in pattern and "?" not in pattern:
        return [pattern]
    matching = [name for name in real if fnmatchcase(name, pattern)]
    if matching:
        return matching
    return [pattern.replace("*", "x").replace("?", "x")]


def arn(pattern: str) -> str:
    """Give an ARN that matches a pattern."""
    parts = pattern.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004  (the parts of an ARN)
        return pattern.replace("*", "x")
    parts[1] = parts[1].replace("*", "aws")
    parts[3] = parts[3].replace("*", "us-east-1")
    parts[4] = parts[4].replace("*", _ACCOUNT)
    return ":".join(part.replace("*", "x").replace("?", "x") for part in parts)


def _resources(action: str, denying: Sequence[WrittenStatement]) -> list[str]:
    """Give the resources that the statements name, one that none of them names, and one for `*`."""
    named = {arn(text.value) for one in denying for text in one.resources if text.value != "*"}
    known = details(action)
    kinds = known.required if known is not None and action.startswith("ec2:") else frozenset[str]()
    service = action.partition(":")[0]
    made = {f"arn:aws:{service}:us-east-1:{_ACCOUNT}:{kind}/{OTHER}" for kind in kinds}
    others = {f"arn:aws:{service}:us-east-1:{_ACCOUNT}:{OTHER}/x"} if named else set()
    if named and known is not None and "foundation-model" in known.resources:
        others.add(f"arn:aws:bedrock:us-east-1::foundation-model/{_DEAR_MODEL}")
    return sorted(named | made | others) or ["*"]


def _principals(statements: Sequence[WrittenStatement]) -> list[str]:
    named = {
        arn(value.value)
        for statement in statements
        for test in statement.tests
        if test.key.value.lower() == PRINCIPAL.lower()
        for value in test.values
    }
    return sorted(named - {DEVELOPER})
