"""The safety checks of SCPs, generated and hand-written: a wrong SCP locks people out of their own accounts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from mlguard.scp.actions import expand, service_is_covered, service_is_known
from mlguard.scp.conditions import faults_of_conditions
from mlguard.scp.regions import faults_of_regions
from mlguard.scp.written import Fault, Test, Text, WrittenStatement, read

MAX_CHARS = 10_240  # since 2026-05-15; it was 5,120 before
SLOTS = 9  # ten since 2026-05-15, one of them taken by FullAWSAccess
_PRINCIPAL = "aws:principalarn"
_EXEMPTING = ("ArnNotLike", "ArnNotEquals", "StringNotLike")
_ROLE = re.compile(
    r"arn:aws[a-z-]*:iam::(?:\*|\d{12}):(?P<kind>role|user)/(?P<name>[\w+=,.@*?/-]+)|arn:aws[a-z-]*:iam::(?:\*|\d{12}):root"
)
_RESERVED = "aws-reserved/"  # a path that AWS keeps for itself: nobody in the account can create a role below it
_TAKING_OVER = ("iam:CreateRole", "iam:UpdateAssumeRolePolicy")
_CLEANING = re.compile(r"[a-z0-9-]+:(?:Delete|Stop|Terminate|Describe|List|Get|Untag)\w*")
_CORE = re.compile(r"(?:account|iam|kms|organizations|sso|sts|support):\*|\*(?::\*)?")


def check(text: str, path: str = "", *, max_chars: int = MAX_CHARS, exempt: Sequence[str] = ()) -> list[Fault]:
    """Check one SCP by itself; the faults are in the order of its lines.

    `exempt` are ARN patterns that every Deny must leave out; without them, any exempt role will do.
    """
    statements, faults = read(text, path)
    faults.extend(_size(text, path, max_chars))
    for statement in statements:
        faults.extend(_faults(statement, exempt))
    return sorted(faults, key=lambda fault: (fault.line, fault.column, fault.check, fault.message))


def check_together(
    texts: Sequence[tuple[str, str]], *, max_chars: int = MAX_CHARS, slots: int = SLOTS, exempt: Sequence[str] = ()
) -> list[Fault]:
    """Check SCPs, each a path and its text, that will be attached to one target.

    Adds what only the whole shows: whether they fit the attachment slots, and whether the exempt roles are protected.
    """
    faults = [fault for path, text in texts for fault in check(text, path, max_chars=max_chars, exempt=exempt)]
    if len(texts) > slots:
        message = f"{len(texts)} SCPs for {slots} free attachment slots; attach some of them a level higher"
        faults.append(Fault("too-many-documents", message, path=texts[slots][0], line=1, column=1))
    statements = [statement for path, text in texts for statement in read(text, path)[0]]
    faults.extend(_unprotected(statements))
    return faults


def _size(text: str, path: str, max_chars: int) -> Iterator[Fault]:
    if len(text) <= max_chars:
        return
    try:
        least = len(json.dumps(json.loads(text), separators=(",", ":")))
    except (ValueError, RecursionError):
        return  # said already
    hint = f"; without its spaces it would have {least:,}" if least <= max_chars else ""
    message = f"{len(text):,} characters, and an SCP may have {max_chars:,}{hint}"
    yield Fault("too-long", message, 1, 1, path=path)


def _faults(statement: WrittenStatement, exempt: Sequence[str]) -> Iterator[Fault]:
    if statement.effect == "Allow":
        yield from _allow(statement)
        return
    yield from _actions(statement)
    yield from _breadth(statement)
    yield from faults_of_conditions(statement)
    yield from faults_of_regions(statement)
    yield from _exemption(statement, exempt)


def _allow(statement: WrittenStatement) -> Iterator[Fault]:
    everything = [text.value for text in (*statement.actions, *statement.resources)] == ["*", "*"]
    if not everything or statement.tests or statement.not_action or statement.not_resource:
        message = (
            "an Allow forbids everything that it does not name as soon as FullAWSAccess is detached; "
            "keep FullAWSAccess and write what to deny"
        )
        yield statement.fault("allow-list", message)


def _actions(statement: WrittenStatement) -> Iterator[Fault]:
    for text in statement.actions:
        service, colon, name = text.value.partition(":")
        if not colon or "*" in service or "?" in service:
            continue
        if not service_is_known(service):
            yield statement.fault("unknown-action", f'there is no service "{service[:60]}" in AWS', text.at)
        elif not service_is_covered(service):
            if name != "*":
                message = f"mlguard does not know the actions of {service}, {text.value[:80]} was not checked"
                yield statement.fault("unchecked-action", message, text.at, "warning")
        elif not expand(text.value):
            yield statement.fault("unknown-action", f"there is no action {text.value[:80]}", text.at)


def _breadth(statement: WrittenStatement) -> Iterator[Fault]:
    """Find what would stop more than the creation of costs."""
    narrowed = [test for test in statement.tests if not _is_exemption(test)]
    if statement.not_action:
        if not narrowed:
            message = "NotAction without a condition denies every service that is not listed, future ones too"
            yield statement.fault("not-action-without-condition", message)
        return
    everywhere = not statement.not_resource and any(text.value == "*" for text in statement.resources)
    for text in statement.actions:
        if "*" not in text.value and "?" not in text.value:
            continue
        if _CORE.fullmatch(text.value) and (everywhere or statement.not_resource):
            if not narrowed:
                message = f"denying {text.value} locks people out of their account; name the actions that cost money"
                yield statement.fault("denies-too-much", message, text.at)
        elif not narrowed:
            stopped = [action for action in expand(text.value) if _CLEANING.fullmatch(action)]
            if stopped:
                message = f"{text.value} also denies {stopped[0]}, so nobody can look at things or clean them up"
                yield statement.fault("denies-cleaning-up", message, text.at)


def _is_exemption(test: Test) -> bool:
    return test.key.value.lower() == _PRINCIPAL and test.base in _EXEMPTING and not test.qualifier


def _exemption(statement: WrittenStatement, exempt: Sequence[str]) -> Iterator[Fault]:
    """Check that somebody can still act when the statement turns out to be wrong."""
    values = [value for test in statement.tests if _is_exemption(test) for value in test.values]
    if not values:
        message = (
            "no break-glass exemption: add ArnNotLike aws:PrincipalArn with the role that must never be locked out"
        )
        yield statement.fault("no-break-glass-exemption", message)
        return
    for value in values:
        yield from _pattern(statement, value)
    written = {value.value for value in values}
    missing = [pattern for pattern in exempt if pattern not in written]
    if missing and not _protects(statement, exempt):
        yield statement.fault("no-break-glass-exemption", f"{', '.join(missing)} is not exempt", values[0].at)


def _pattern(statement: WrittenStatement, value: Text) -> Iterator[Fault]:
    """Check one pattern of exempt principals."""
    text = value.value
    match = _ROLE.fullmatch(text)
    if ":assumed-role/" in text:
        message = f"{text[:120]} never matches: aws:PrincipalArn is the ARN of the role, arn:aws:iam::*:role/..."
        yield statement.fault("exemption-never-matches", message, value.at)
    elif match is None and set(text) != {"*"}:
        message = f"{text[:120]} is not the ARN of a role, so nobody may be exempt"
        yield statement.fault("exemption-never-matches", message, value.at)
    elif match is None or (match["name"] and not match["name"].strip("*?/")):
        yield statement.fault("exempts-everybody", f"{text[:120]} exempts everybody: the statement is void", value.at)


def _protects(statement: WrittenStatement, exempt: Sequence[str]) -> bool:
    """Tell whether a statement guards the exempt roles themselves; it may bind more principals than the others."""
    return bool(statement.resources) and {text.value for text in statement.resources} <= set(exempt)


def _unprotected(statements: Sequence[WrittenStatement]) -> Iterator[Fault]:
    """Find exempt roles that an administrator of a member account could create, and then use to get round it all."""
    guarded = {
        action: {
            resource.value
            for statement in statements
            if statement.effect == "Deny" and not statement.not_action and not statement.not_resource
            if any(action in expand(text.value) for text in statement.actions)
            for resource in statement.resources
        }
        for action in _TAKING_OVER
    }
    guards = set.intersection(*guarded.values())
    seen: set[str] = set()
    for statement in statements:
        if statement.effect != "Deny" or {text.value for text in statement.resources} <= guards:
            continue
        for value in (value for test in statement.tests if _is_exemption(test) for value in test.values):
            match = _ROLE.fullmatch(value.value)
            if match is None or match["kind"] != "role" or match["name"].startswith(_RESERVED):
                continue
            if value.value in seen or any(fnmatchcase(value.value, guard) for guard in guards):
                continue
            seen.add(value.value)
            message = (
                f"{value.value} is exempt, and whoever may create roles can create it: add a statement that denies "
                f"{' and '.join(_TAKING_OVER)} on it"
            )
            yield statement.fault("unprotected-exempt-role", message, value.at)
