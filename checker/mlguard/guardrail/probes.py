"""A few requests that SCPs deny and a few that pass: what somebody tries first after attaching them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlguard.guardrail.difference import in_words
from mlguard.guardrail.universe import (
    OTHER,
    Choices,
    about,
    choices,
    context_of,
    denied_value,
    holds_for,
    named_actions,
)
from mlguard.record import record
from mlguard.scp.decide import Request, decide
from mlguard.scp.exemptions import PRINCIPAL
from mlguard.scp.written import WrittenStatement

_WANTED = 5
_STARTING = ("Create", "Run", "Invoke", "Start")


@record()
class Probes:
    """Requests in words; each of `denied` names the statements that deny it."""

    denied: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


def probes(statements: Sequence[WrittenStatement]) -> Probes:
    """Give five requests that are denied, of different services where there are so many, and five that pass."""
    denied: list[str] = []
    passing: dict[str, None] = {}
    for statement in _varied(statements):
        if len(denied) == _WANTED and len(passing) >= _WANTED:
            break
        refused, near = _pair(statement, statements)
        if refused is not None and len(denied) < _WANTED:
            sids = ", ".join(decide(refused, statements).denied_by)
            denied.append(f"{_shown(refused, statement, _conditions(statement))}: by {sids}")
        if near is not None:
            passing[_shown(near, statement)] = None
    return Probes(tuple(denied), tuple(passing)[:_WANTED])


def _varied(statements: Sequence[WrittenStatement]) -> Iterator[WrittenStatement]:
    """Give the statements by turns of their services, those that test a key first."""
    by_service: dict[str, list[WrittenStatement]] = {}
    for one in sorted(statements, key=lambda one: (not _conditions(one), one.sid)):
        if one.effect == "Deny" and one.actions and not one.not_action:
            by_service.setdefault(one.actions[0].value.partition(":")[0], []).append(one)
    while by_service:
        for service in list(by_service):
            yield by_service[service].pop(0)
            if not by_service[service]:
                del by_service[service]


def _conditions(statement: WrittenStatement) -> list[str]:
    """Give the keys that a statement tests, beside who asks."""
    keys = dict.fromkeys(test.key.value for test in statement.tests)
    return [key for key in keys if key.lower() != PRINCIPAL.lower()]


def _pair(statement: WrittenStatement, statements: Sequence[WrittenStatement]) -> tuple[Request | None, Request | None]:
    """Give a request that a statement denies, and one that passes and is like it in all else; None where none is."""
    refused: Request | None = None
    known_first = sorted(
        named_actions([statement]), key=lambda one: (not one.partition(":")[2].startswith(_STARTING), one)
    )
    for action in known_first:
        denying = about(action, statements)
        for resource, keys in choices(action, denying):
            if f":{OTHER}" in resource:
                continue
            good = {key: _harmless(key, listed, denying) for key, listed in keys.items()}
            bad = {key: denied_value(key, keys[key], statement) for key in keys if _tests(statement, key)}
            asked = Request(action, resource, context=context_of(keys, list({**good, **bad}.values())))
            passing = Request(action, resource, context=context_of(keys, list(good.values())))
            if statement.sid not in decide(asked, statements).denied_by:
                continue
            refused = refused or asked
            if decide(passing, statements).outcome == "allowed":
                return asked, passing
    return refused, None


def _tests(statement: WrittenStatement, key: str) -> bool:
    return any(test.key.value.lower() == key.lower() for test in statement.tests)


def _harmless(key: str, listed: Choices, denying: Sequence[WrittenStatement]) -> tuple[str, ...] | None:
    """Choose the value of a key for which the fewest statements go on to deny; one that is there before none."""

    def harm(value: tuple[str, ...] | None) -> tuple[int, bool, int]:
        denied = sum(all(holds_for(key, value, one)) for one in denying if _tests(one, key))
        return denied, value is None or OTHER in value, len(value or ())

    return min(listed, key=harm)


def _shown(request: Request, statement: WrittenStatement, keys: Sequence[str] | None = None) -> str:
    """Say what is asked for; the resource only where the statement is about resources of some names."""
    by_name = any(text.value.rpartition("/")[2] != "*" and text.value != "*" for text in statement.resources)
    said = in_words(request, None if keys is None else frozenset(key.lower() for key in keys), resource=by_name)
    absent = [key for key in keys or () if request.values(key) is None]
    return said.replace(" by ", f" without {' and '.join(absent)} by ", 1) if absent else said
