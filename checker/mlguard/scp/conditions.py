"""The safety checks of conditions: what looks right, is accepted by AWS, and denies nothing or everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlguard.scp.actions import Action, carries, details, expand, is_global, is_multivalued, key_type, spelled
from mlguard.scp.corrections import condition, like, member, nearest, with_operator
from mlguard.scp.written import ErrorOrWarning, Fault, Test, WrittenStatement

_EXACT = frozenset(
    ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "BinaryEquals")
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TAG_KEYS = ("aws:requesttag/", "aws:resourcetag/", "aws:principaltag/")
_SHOWN = 3


def faults_of_conditions(statement: WrittenStatement) -> Iterator[Fault]:
    """Give the faults of each test of a statement, in the order of its conditions."""
    actions = statement_actions(statement)
    for test in statement.tests:
        yield from _operator(statement, test)
        yield from _values(statement, test)
        yield from _support(statement, test, actions)
        yield from _absent_on_other_resources(statement, test, actions)
    yield from _null(statement)


def statement_actions(statement: WrittenStatement) -> dict[str, bool]:
    """Give each action that a statement names, with whether it was named by a pattern; none for NotAction."""
    found: dict[str, bool] = {}
    for text in () if statement.not_action else statement.actions:
        pattern = "*" in text.value or "?" in text.value
        for action in expand(text.value):
            found[action] = found.get(action, True) and pattern
    return found


def _operator(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    key, operator = test.key.value, test.operator
    plain = like(test.base) if _has_wildcards(test) else test.base
    if test.qualifier and test.if_exists:
        message = (
            f"{operator.value}: IfExists does nothing behind a set operator, and tools disagree about it; remove it"
        )
        correction = with_operator(test, f"{test.qualifier}:{test.base}")
        yield statement.fault("if-exists-in-set-operator", message, operator.at, correction=correction)
    if test.if_exists and test.negated and not test.qualifier and not is_multivalued(key):
        message = f"{operator.value} holds without the key anyway, so IfExists says nothing; write {test.base}"
        correction = with_operator(test, test.base)
        yield statement.fault("if-exists-says-nothing", message, operator.at, "warning", correction)
    if test.if_exists and not test.negated and not test.qualifier and statement.effect == "Deny" and not is_global(key):
        message = f"{operator.value} in a Deny also denies every request without {key}; write {test.base} if not meant"
        correction = with_operator(test, test.base)
        yield statement.fault("if-exists-denies-without-key", message, operator.at, "warning", correction)
    if test.qualifier == "ForAllValues" and statement.effect == "Deny":
        message = (
            f"ForAllValues in a Deny lets a request through that has one other value of {key}, and denies requests "
            "without the key; use ForAnyValue"
        )
        correction = with_operator(test, f"ForAnyValue:{plain}")
        yield statement.fault("for-all-values-in-deny", message, operator.at, correction=correction)
    if is_multivalued(key) and not test.qualifier and test.base != "Null":
        message = (
            f"{key} has several values in a request, and {operator.value} compares only single ones: it would "
            f"{_plain_effect(test)}; write ForAnyValue:{like(test.base)}"
        )
        correction = with_operator(test, f"ForAnyValue:{like(test.base)}")
        yield statement.fault("multivalued-key-without-set-operator", message, operator.at, correction=correction)
    if test.qualifier and not is_multivalued(key) and (is_global(key) or key_type(key) is not None):
        message = f"{key} has a single value, so {test.qualifier} does not belong there; write {test.base}"
        correction = with_operator(test, test.base)
        yield statement.fault("set-operator-on-single-value", message, operator.at, "warning", correction)
    if test.base == "Null" and test.qualifier:
        yield statement.fault("not-an-scp", "Null takes no set operator", operator.at)


def _has_wildcards(test: Test) -> bool:
    return any("*" in value.value or "?" in value.value for value in test.values)


def _plain_effect(test: Test) -> str:
    return "deny requests without it and no other" if test.negated else "never hold"


def _values(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    for value in test.values:
        text = value.value
        if test.base in _EXACT and ("*" in text or "?" in text):
            meant = like(test.operator.value)
            message = f'{test.operator.value} takes "{text[:60]}" for exactly that text, wildcards are for {meant}'
            correction = with_operator(test, meant)
            yield statement.fault("wildcard-under-exact-operator", message, value.at, correction=correction)
        elif test.base.startswith("Numeric") and not _NUMBER.fullmatch(text):
            message = f'{test.operator.value} compares numbers, and "{text[:60]}" is none: it never holds'
            yield statement.fault("not-a-number", message, value.at)
        elif test.base in ("Null", "Bool") and text.lower() not in ("true", "false"):
            yield statement.fault("not-true-or-false", f"{test.operator.value} takes true or false", value.at)
        elif test.base.startswith("Arn") and not re.match(r"arn:|\*|\$\{", text):
            message = f'{test.operator.value} compares ARNs, and "{text[:60]}" is none: it never matches'
            yield statement.fault("not-an-arn", message, value.at)
    kind = key_type(test.key.value) or ""
    if kind in ("String", "ARN", "ArrayOfString", "ArrayOfARN") and test.base.startswith(("Numeric", "Date", "Bool")):
        message = f"{test.key.value} is a {kind}, {test.operator.value} compares something else"
        yield statement.fault("operator-of-another-type", message, test.operator.at, "warning")


def _support(statement: WrittenStatement, test: Test, actions: dict[str, bool]) -> Iterator[Fault]:
    """Check that requests for the actions carry the key at all."""
    key = test.key.value
    if is_global(key):
        return
    known = {name: action for name in actions if (action := details(name)) is not None}
    if key_type(key) is None and (known or not actions or key.lower().startswith("aws:")):
        prefix = key.partition(":")[0]
        if prefix == "aws" or any(name.startswith(f"{prefix}:") for name in known):
            message = f"there is no condition key {key[:80]}: {_without_key(test)}"
            known_keys = {spelled(one) for action in known.values() for one in action.keys}
            meant = nearest(key, known_keys)
            yield statement.fault("unknown-key", message, test.key.at, correction=meant)
            return
    lacking = [action.name for action in known.values() if not action.supports(key)]
    if not lacking:
        return
    by_pattern = all(actions[name] for name in actions if name in known and known[name].name in lacking)
    if by_pattern and len(lacking) < len(known) and not test.holds_without_key:
        return  # a pattern such as sagemaker:Create* may well reach more actions than carry the key
    consequence = "denied whatever it asks for" if test.holds_without_key else "never denied by it"
    message = f"{_some(lacking)} {_verb(lacking)} no {key}: the request is {consequence}; leave the action out"
    left = sorted({text.value for text in statement.actions} - set(lacking))
    correction = member("Action", left) if left else ""
    yield statement.fault("key-not-supported-by-action", message, test.key.at, correction=correction)


def _without_key(test: Test) -> str:
    return "the condition always holds" if test.holds_without_key else "the condition never holds"


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _verb(names: list[str]) -> str:
    return "carries" if len(names) == 1 else "carry"


def _absent_on_other_resources(statement: WrittenStatement, test: Test, actions: dict[str, bool]) -> Iterator[Fault]:
    """Find tests that hold without their key, on resources of the request that never carry it.

    `ec2:RunInstances` is authorized once for each resource: on `*`, a negated ec2:InstanceType also denies the image,
    the subnet and the network interface of every launch, and so every launch.
    """
    key = test.key.value
    if is_global(key) or not test.holds_without_key or statement.effect != "Deny":
        return
    for name in actions:
        action = details(name)
        if action is None or not action.supports(key):
            continue
        lacking = sorted(
            kind
            for kind, keys in action.resources.items()
            if not carries(keys, key) and _reaches(statement, action, kind)
        )
        if lacking and any(carries(keys, key) for keys in action.resources.values()):
            message = (
                f"{action.name} also asks about {_some(lacking)}, which {_verb(lacking)} no {key}: every request is "
                "denied; name the resources that carry it under Resource"
            )
            service = action.name.partition(":")[0]
            carrying = sorted(kind for kind, keys in action.resources.items() if carries(keys, key))
            correction = member("Resource", [f"arn:aws:{service}:*:*:{kind}/*" for kind in carrying])
            yield statement.fault("negated-key-on-other-resources", message, test.key.at, correction=correction)
            return


def _reaches(statement: WrittenStatement, action: Action, kind: str) -> bool:
    """Tell whether the Resource of a statement surely covers a resource type that every request has.

    A pattern that names the type in its ARN (`arn:aws:ec2:*:*:volume/*`) covers it, required or not.
    """
    if statement.not_resource:
        return kind in action.required
    for text in statement.resources:
        parts = text.value.split(":", 5)
        name = parts[-1]
        if set(name) == {"*"}:
            if kind in action.required:
                return True
        elif len(parts) > 1 and name.partition("/")[0] == kind:
            return True
    return False


def _null(statement: WrittenStatement) -> Iterator[Fault]:
    """Find several keys in one Null: all must be missing, so one that is there lets the request through."""
    absent = [
        test
        for test in statement.tests
        if test.base == "Null" and any(value.value.lower() == "true" for value in test.values)
    ]
    if len(absent) > 1 and statement.effect == "Deny":
        tags = all(test.key.value.lower().startswith(_TAG_KEYS) for test in absent)
        message = (
            f"one Null with {' and '.join(test.key.value for test in absent)} denies only what lacks all of them; "
            "write one statement for each key"
        )
        correction = " and, in another statement, ".join(condition("Null", one.key.value, ["true"]) for one in absent)
        severity: ErrorOrWarning = "error" if tags else "warning"
        yield statement.fault("several-keys-in-null", message, absent[1].key.at, severity, correction)
