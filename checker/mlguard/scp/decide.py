"""What SCPs do with a request: deny it, let it pass, or nobody can say before more of it is known.

The request is taken to be allowed by FullAWSAccess and by its own permissions: only what a Deny does is decided. The
management account and service-linked roles are bound by no SCP; who asks about those needs no decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Literal

from mlguard.record import field, record
from mlguard.scp.actions import carries, details, is_global, is_multivalued
from mlguard.scp.matching import HOLE, arn_like, equals, every, like, negation, some
from mlguard.scp.written import Test, WrittenStatement

DEVELOPER = "arn:aws:iam::123456789012:role/Developer"
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?")  # no exponent: no request carries one
_SESSION = re.compile(r"arn:(aws[\w-]*):sts::(\d+):assumed-role/(.+)/[^/]+")
Outcome = Literal["allowed", "denied", "undecided"]


@record()
class Values:
    """The values of a condition key in a request; `HOLE` stands in them for what is not known.

    `open` tells that there may be more of them, or none at all where none is known; `because` says why.
    """

    known: tuple[str, ...] = ()
    open: bool = False
    because: str = ""


@record()
class Request:
    """A call of the API: what is asked for, of which resource, by whom, and with which values of condition keys.

    A key that `context` does not hold, or holds None for, is absent from the request. Where the request is known
    `partly`, as that of a resource in code, a key that it does not hold may be there if the action carries it.
    """

    action: str
    resource: str = "*"
    principal: str = DEVELOPER
    context: Mapping[str, Values | None] = field(default_factory=dict)
    partly: bool = False

    def values(self, key: str) -> Values | None:
        """Give the values of a key, in any case; None where the request does not carry it."""
        lowered = key.lower()
        for name, values in self.context.items():
            if name.lower() == lowered:
                return values
        if lowered == "aws:principalarn":
            return Values((principal_arn(self.principal),))
        if lowered.startswith("aws:requesttag/") and "aws:RequestTag/*" in self.context:
            return self.context["aws:RequestTag/*"]
        return self._open(key) if self.partly else None

    def _open(self, key: str) -> Values | None:
        """Say why a key may be there; None where no request for the action carries it."""
        if is_global(key):
            return Values(open=True, because=f"{key} depends on who deploys, and from where")
        known = details(self.action)
        if known is None:
            return Values(open=True, because=f"mlguard does not know the keys of {self.action}")
        kind = re.split(r"[/:]", self.resource.split(":", 5)[-1], maxsplit=1)[0]
        keys = known.resources.get(kind, known.keys)
        return Values(open=True, because=f"mlguard does not read {key} from the code") if carries(keys, key) else None


@record()
class Open:
    """A condition that nobody can decide yet: of which statement, about which key, and why."""

    sid: str
    key: str
    because: str


@record()
class Decision:
    """The outcome, the statements that deny, and what would have to be known where it is undecided."""

    outcome: Outcome
    denied_by: tuple[str, ...] = ()
    undecided: tuple[Open, ...] = ()


def principal_arn(principal: str) -> str:
    """Give what aws:PrincipalArn holds: for a session the ARN of its role."""
    return _SESSION.sub(r"arn:\1:iam::\2:role/\3", principal)


def decide(request: Request, statements: Iterable[WrittenStatement]) -> Decision:
    """Decide a request under all statements together."""
    denied: list[str] = []
    undecided: list[Open] = []
    for statement in statements:
        if statement.effect != "Deny":
            continue
        answer, reasons = _denies(statement, request)
        if answer:
            denied.append(statement.sid)
        elif answer is None:
            undecided += reasons or [Open(statement.sid, "", "a part of the statement is known at deployment only")]
    if denied:
        return Decision("denied", tuple(denied))
    return Decision("undecided", (), tuple(undecided)) if undecided else Decision("allowed")


def _denies(statement: WrittenStatement, request: Request) -> tuple[bool | None, list[Open]]:
    action = some(like(text.value, request.action, ignore_case=True) for text in statement.actions)
    action = _listed(action, open_list=statement.open_actions, negated=statement.not_action)
    if action is False:
        return False, []
    resource = some(_resource(text.value, request.resource) for text in statement.resources)
    resource = _listed(resource, open_list=statement.open_resources, negated=statement.not_resource)
    answers = [(test, holds(test, request)) for test in statement.tests]
    whole = every([action, resource, *(answer for _, answer in answers), *([None] if statement.open_tests else [])])
    reasons = [
        Open(statement.sid, test.key.value, _because(test, request)) for test, answer in answers if answer is None
    ]
    if resource is None:
        reasons.append(Open(statement.sid, "Resource", f"the ARN is known in parts only: {shown(request.resource)}"))
    return whole, reasons


def shown(text: str) -> str:
    """Give a text with `*` for each part that is not known."""
    return text.replace(HOLE, "*")


def _listed(answer: bool | None, *, open_list: bool, negated: bool) -> bool | None:  # noqa: FBT001  (three values)
    found = None if open_list and answer is False else answer
    return negation(found) if negated else found


def _resource(pattern: str, resource: str) -> bool | None:
    if pattern == "*":
        return True
    return False if resource == "*" else arn_like(pattern, resource, partly=True)


def _because(test: Test, request: Request) -> str:
    values = request.values(test.key.value)
    if values is not None and values.because:
        return values.because
    return "the values of the condition are known at deployment only" if test.open else "its value is not known"


def holds(test: Test, request: Request) -> bool | None:
    """Tell whether a condition holds for a request; None where that depends on what is not known."""
    values = request.values(test.key.value)
    if test.base == "Null":
        if values is not None and values.open and not values.known:
            return None
        absent = "true" if values is None else "false"
        return any(value.value.lower() == absent for value in test.values)
    if values is None:
        return _without(test)
    answer = _with(test, values)
    if values.open and not values.known:  # it may be absent as well
        return answer if answer == _without(test) else None
    return answer


def _without(test: Test) -> bool:
    if test.qualifier:
        return test.qualifier == "ForAllValues"
    return test.negated or test.if_exists


def _with(test: Test, values: Values) -> bool | None:
    more: list[bool | None] = [None] if values.open else []
    answers = [*(_value(test, value) for value in values.known), *more]
    if test.qualifier:
        return some(answers) if test.qualifier == "ForAnyValue" else every(answers)
    if is_multivalued(test.key.value) or len(values.known) > 1:
        return False  # only a set operator looks at several values
    return answers[0] if len(answers) == 1 else None if answers else False


def _value(test: Test, value: str) -> bool | None:
    base = test.base.replace("Not", "", 1) if test.negated else test.base
    compare = _COMPARE.get(base) or _ordered(base)
    found = some(compare(wanted.value, value) for wanted in test.values)
    if test.open and found is False:
        found = None
    return negation(found) if test.negated else found


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _time(text: str) -> float | None:
    try:
        return float(text) if text.isdigit() else datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _ordered(base: str) -> Callable[[str, str], bool | None]:
    """Give the comparison of a numeric or date operator: the request's value with that of the policy."""
    read = _number if base.startswith("Numeric") else _time
    order = base.removeprefix("Numeric").removeprefix("Date")

    def compare(wanted: str, value: str) -> bool | None:
        if HOLE in value:
            return None
        right, left = read(wanted), read(value)
        return right is not None and left is not None and _ORDERS[order](left, right)

    return compare


def _bool(wanted: str, value: str) -> bool | None:
    if wanted.lower() not in ("true", "false"):
        return False
    return equals(wanted, value, ignore_case=True)


def _address(wanted: str, value: str) -> bool | None:
    if HOLE in value:
        return None
    try:
        return ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda left, right: left == right,
    "LessThan": lambda left, right: left < right,
    "LessThanEquals": lambda left, right: left <= right,
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanEquals": lambda left, right: left >= right,
}
_COMPARE: Mapping[str, Callable[[str, str], bool | None]] = {
    "StringEquals": equals,
    "StringEqualsIgnoreCase": lambda wanted, value: equals(wanted, value, ignore_case=True),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "BinaryEquals": equals,
    "Bool": _bool,
    "IpAddress": _address,
}
