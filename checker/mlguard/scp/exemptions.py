"""The safety checks of who is exempt: somebody must be, not everybody, and nobody may make himself so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from mlguard.scp.actions import expand
from mlguard.scp.corrections import condition
from mlguard.scp.written import Fault, Test, Text, WrittenStatement

PRINCIPAL = "aws:PrincipalArn"
_EXEMPTING = ("ArnNotLike", "ArnNotEquals", "StringNotLike")
_ROLE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?:\*|\d{12}):"
    r"(?:(?P<kind>role|user)/(?P<name>[\w+=,.@*?/-]+)|root)"
)
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::([^:]*):assumed-role/([^/]+)(?:/.*)?")
_PARTITION = re.compile(r"arn:(aws[a-z-]*):")
RESERVED = "aws-reserved/"  # a path that AWS keeps for itself: nobody in the account can create a role below it
_SSO = "AWSReservedSSO_"
_TAKING_OVER = ("iam:CreateRole", "iam:UpdateAssumeRolePolicy")


def is_exemption(test: Test) -> bool:
    """Tell whether a condition leaves principals out of a Deny."""
    return test.key.value.lower() == PRINCIPAL.lower() and test.base in _EXEMPTING and not test.qualifier


def faults_of_exemption(statement: WrittenStatement, exempt: Sequence[str]) -> Iterator[Fault]:
    """Check that somebody can still act when the statement turns out to be wrong.

    `exempt` are patterns that must be left out; without them, any exempt role will do.
    """
    tests = [test for test in statement.tests if is_exemption(test)]
    values = [value for test in tests for value in test.values]
    if not values:
        if statement.open_tests or any(test.open for test in tests):
            return
        message = (
            "no break-glass exemption: add ArnNotLike aws:PrincipalArn with the role that must never be locked out"
        )
        role = "arn:aws:iam::*:role/YOUR-BREAK-GLASS-ROLE"
        correction = condition("ArnNotLike", PRINCIPAL, exempt or [role])
        yield statement.fault("no-break-glass-exemption", message, correction=correction)
        return
    for value in values:
        yield from _pattern(statement, value)
    if len(tests) > 1:
        message = "two conditions on aws:PrincipalArn must both hold, so each exempts its principals; keep one list"
        yield statement.fault("several-exemptions", message, tests[1].key.at, "warning")
    written = {value.value for value in values}
    missing = [pattern for pattern in exempt if pattern not in written]
    if missing and not _protects(statement, exempt) and not any(test.open for test in tests):
        yield statement.fault("no-break-glass-exemption", f"{', '.join(missing)} is not exempt", values[0].at)


def _pattern(statement: WrittenStatement, value: Text) -> Iterator[Fault]:
    """Check one pattern of exempt principals."""
    text = value.value
    match = _ROLE.fullmatch(text)
    session = _SESSION.fullmatch(text)
    if session is not None:
        message = f"{text[:120]} never matches: aws:PrincipalArn is the ARN of the role, arn:aws:iam::*:role/..."
        correction = f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
        yield statement.fault("exemption-never-matches", message, value.at, correction=correction)
    elif match is None and set(text) != {"*"}:
        message = f"{text[:120]} is not the ARN of a role, so nobody may be exempt"
        yield statement.fault("exemption-never-matches", message, value.at)
    elif match is None or (match["name"] and not match["name"].strip("*?/")):
        yield statement.fault("exempts-everybody", f"{text[:120]} exempts everybody: the statement is void", value.at)
    elif match["name"] and match["name"].startswith(_SSO):
        message = f"{text[:120]} never matches: AWS keeps the roles of IAM Identity Center below a path of their own"
        correction = text.replace(f"/{_SSO}", f"/{RESERVED}sso.amazonaws.com/*/{_SSO}")
        yield statement.fault("exemption-never-matches", message, value.at, correction=correction)
    else:
        yield from _partition(statement, value, match["partition"])


def _partition(statement: WrittenStatement, value: Text, partition: str) -> Iterator[Fault]:
    others = {match[1] for text in statement.resources if (match := _PARTITION.match(text.value))} - {partition}
    if others:
        other = min(others)
        message = f"{value.value[:120]} exempts nobody in the partition {other}, where the resources are"
        correction = value.value.replace(f"arn:{partition}:", f"arn:{other}:", 1)
        yield statement.fault("exemption-never-matches", message, value.at, correction=correction)


def _protects(statement: WrittenStatement, exempt: Sequence[str]) -> bool:
    """Tell whether a statement guards the exempt roles themselves; it may bind more principals than the others."""
    return bool(statement.resources) and {text.value for text in statement.resources} <= set(exempt)


def unprotected(statements: Sequence[WrittenStatement]) -> Iterator[Fault]:
    """Find exempt roles that an administrator of a member account could create, and then use to get round it all."""
    if any(one.open_actions or one.open_resources for one in statements):
        return  # the protection may be there
    guards = _guards(statements)
    seen: set[str] = set()
    for statement in statements:
        if statement.effect != "Deny" or {text.value for text in statement.resources} <= guards:
            continue
        for value in (value for test in statement.tests if is_exemption(test) for value in test.values):
            match = _ROLE.fullmatch(value.value)
            if match is None or match["kind"] != "role" or match["name"].startswith(RESERVED):
                continue
            if value.value in seen or any(fnmatchcase(value.value, guard) for guard in guards):
                continue
            seen.add(value.value)
            message = (
                f"{value.value} is exempt, and whoever may create roles can create it: add a statement that denies "
                f"{' and '.join(_TAKING_OVER)} on it"
            )
            yield statement.fault("unprotected-exempt-role", message, value.at, "warning")


def _guards(statements: Sequence[WrittenStatement]) -> set[str]:
    """Give the patterns of roles that the statements keep from being created and from being taken over."""
    guarded = (
        {
            resource.value
            for statement in statements
            if statement.effect == "Deny" and not statement.not_action and not statement.not_resource
            if any(action in expand(text.value) for text in statement.actions)
            for resource in statement.resources
        }
        for action in _TAKING_OVER
    )
    return set.intersection(*guarded)
