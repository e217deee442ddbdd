"""The safety checks of what a statement is about: actions that exist, and none that keep an account alive or tidy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlguard.scp.actions import actions_of, details, expand, is_global, service_is_covered, service_is_known, services
from mlguard.scp.corrections import nearest
from mlguard.scp.exemptions import is_exemption
from mlguard.scp.written import Fault, Text, WrittenStatement

# without these nobody can sign in, be helped, deploy, roll back, read a key or write a log
_CORE = re.compile(
    r"\*(?::\*)?|(?:account|cloudformation|cloudtrail|config|iam|kms|logs|organizations|s3|sso|ssm|sts|support):\*"
    r"|dynamodb:(?:Delete|Get|Put|Update)Item|iam:(?:CreateServiceLinkedRole|PassRole)|kms:Decrypt"
    r"|logs:(?:CreateLogStream|PutLogEvents)|s3:(?:GetObject|ListBucket|PutObject)|ssm:GetParameters?"
    r"|sts:AssumeRole\w*|cloudformation:\w+Stack\w*",
    re.IGNORECASE,
)
_CLEANING = re.compile(
    r"[a-z0-9-]+:(?:Cancel|Delete|Deregister|Describe|Disassociate|Get|List|Release|Remove|Stop|Terminate|Untag)\w*",
    re.IGNORECASE,
)
# what deletes a control, not a cost: keeping it from being removed is the point of a protective statement
_CONTROLS = re.compile(
    r"[a-z0-9-]+:(?:Delete|Deregister|Remove|Untag)\w*"
    r"(?:Actions?|Alarms|Boundary|Bus|Configs?|Configuration|Definition|Export|Function|Group|Limit|Monitor|Polic(?:y|ies)"
    r"|Quota|Resource|Role|Rule|Schedule\w*|Subscription|Tags|Targets?|Template|Topic)",
    re.IGNORECASE,
)


def faults_of_breadth(statement: WrittenStatement) -> Iterator[Fault]:
    """Give what is wrong with the actions of a Deny, and with how many there are."""
    for text in statement.actions:
        yield from _existence(statement, text)
    narrowed = statement.open_tests or any(not is_exemption(test) for test in statement.tests)
    if statement.not_action:
        if not narrowed:
            message = "NotAction without a condition denies every service that is not listed, future ones too"
            yield statement.fault("not-action-without-condition", message)
        return
    everywhere = statement.not_resource or any(text.value == "*" for text in statement.resources)
    for text in statement.actions:
        core = _CORE.fullmatch(text.value) is not None and everywhere
        if core and not narrowed:
            message = f"denying {text.value} locks people out of their account; name the actions that cost money"
            yield statement.fault("denies-too-much", message, text.at)
            continue
        cleaning = [] if core else list(_cleaning(statement, text, narrowed=narrowed, everywhere=everywhere))
        yield from cleaning or _whole_service(statement, text)


def _whole_service(statement: WrittenStatement, text: Text) -> Iterator[Fault]:
    """Find patterns that reach every action, future ones too, whatever the conditions are."""
    if text.value.partition(":")[2] in ("", "*") and text.value.endswith("*"):
        reached = len(expand(text.value))
        count = f"{reached:,} actions that mlguard knows" if reached else "every action of it"
        message = f"{text.value} stands for {count}, and for all that AWS adds; name the ones that are meant"
        yield statement.fault("names-everything", message, text.at, "warning")


def cleaning_actions(pattern: str) -> list[str]:
    """Give the actions behind a name or a pattern that look at things, stop or delete them, controls left out."""
    found = expand(pattern) or (pattern,)
    return [action for action in found if _CLEANING.fullmatch(action) and not _CONTROLS.fullmatch(action)]


def _cleaning(statement: WrittenStatement, text: Text, *, narrowed: bool, everywhere: bool) -> Iterator[Fault]:
    """Find what keeps people from looking at things and from getting rid of them: costs would go up."""
    by_pattern = "*" in text.value or "?" in text.value
    if not (by_pattern or everywhere):
        return
    stopped = [action for action in cleaning_actions(text.value) if _can_be_denied(statement, action)]
    if not stopped or (narrowed and not by_pattern and not _locks_regions(statement)):
        return  # somebody who names an action under a condition of its own means just that
    what = f"{text.value} also denies {stopped[0]}" if by_pattern else f"{text.value} is denied"
    rest = f" and {len(stopped) - 1} more" if len(stopped) > 1 else ""
    message = f"{what}{rest}, so nobody can look at things or clean them up"
    yield statement.fault("denies-cleaning-up", message, text.at, "warning" if narrowed else "error")


def _locks_regions(statement: WrittenStatement) -> bool:
    """Tell whether a statement is narrowed by the region alone: what runs elsewhere could not be stopped any more."""
    keys = {test.key.value.lower() for test in statement.tests if not is_exemption(test)}
    return keys == {"aws:requestedregion"}


def _can_be_denied(statement: WrittenStatement, action: str) -> bool:
    """Tell whether a request for the action, which may carry fewer keys, can meet the conditions."""
    known = details(action)
    return all(
        test.holds_without_key or is_global(test.key.value) or (known is not None and known.supports(test.key.value))
        for test in statement.tests
    )


def _existence(statement: WrittenStatement, text: Text) -> Iterator[Fault]:
    service, colon, name = text.value.partition(":")
    if not colon or "*" in service or "?" in service:
        return
    if not service_is_known(service):
        meant = nearest(service, services())
        correction = f"{meant}:{name}" if meant else ""
        yield statement.fault(
            "unknown-action", f'there is no service "{service[:60]}" in AWS', text.at, correction=correction
        )
    elif not service_is_covered(service):
        if name != "*":
            message = f"mlguard does not know the actions of {service}, {text.value[:80]} was not checked"
            yield statement.fault("unchecked-action", message, text.at, "warning")
    elif not expand(text.value):
        meant = nearest(name, actions_of(service))
        correction = f"{service}:{meant}" if meant else ""
        yield statement.fault(
            "unknown-action",
            f"there is no action {text.value[:80]}: the statement never denies it",
            text.at,
            correction=correction,
        )
