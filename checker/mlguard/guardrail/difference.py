"""How two sets of SCPs differ: not in their texts, but in what becomes denied and what becomes allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from mlguard.errors import GuardrailError
from mlguard.finding import number_of
from mlguard.guardrail.universe import about, named_actions, requests_for
from mlguard.record import field, record
from mlguard.scp.decide import Request, Values, decide
from mlguard.scp.reading import read
from mlguard.scp.written import WrittenStatement

Direction = Literal["allowed", "denied"]
_VERSION = 1
_SHOWN = 3


@record()
class Change:
    """Requests whose outcome changes: to what, by which statements before or after, and the requests themselves.

    `keys` are the condition keys that those statements test, in lower case.
    """

    becomes: Direction
    sids: tuple[str, ...]
    requests: tuple[Request, ...]
    keys: frozenset[str] = frozenset()

    @property
    def actions(self) -> tuple[str, ...]:
        """Give the actions of the requests, each once."""
        return tuple(dict.fromkeys(request.action for request in self.requests))


@record(frozen=False)
class Difference:
    """What changes between two sets: outcomes, and the statements that are only in one of them."""

    changes: list[Change] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def weakened(self) -> bool:
        """Tell whether something that was denied is allowed now."""
        return any(change.becomes == "allowed" for change in self.changes)


def compare(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> Difference:
    """Compare two sets of SCPs, each of them paths and texts; GuardrailError where one is no SCP."""
    before, after = _statements(old), _statements(new)
    made = Difference()
    groups: dict[tuple[Direction, tuple[str, ...]], list[Request]] = {}
    for action in named_actions([*before, *after]):
        old_ones, new_ones = about(action, before), about(action, after)
        if _contents(old_ones) == _contents(new_ones):
            continue
        for request in requests_for(action, [*old_ones, *new_ones]):
            made.requests += 1
            was, now = decide(request, old_ones), decide(request, new_ones)
            if was.outcome == "denied" and now.outcome == "allowed":
                groups.setdefault(("allowed", was.denied_by), []).append(request)
            elif was.outcome == "allowed" and now.outcome == "denied":
                groups.setdefault(("denied", now.denied_by), []).append(request)
    for (becomes, sids), listed in sorted(groups.items()):
        deciding = before if becomes == "allowed" else after
        keys = {test.key.value.lower() for one in deciding if one.sid in sids for test in one.tests}
        made.changes.append(Change(becomes, sids, tuple(listed), frozenset(keys)))
    _structure(before, after, made)
    return made


def _statements(texts: Sequence[tuple[str, str]]) -> list[WrittenStatement]:
    found: list[WrittenStatement] = []
    for path, text in texts:
        written = read(text, path)
        if written.faults:
            first = written.faults[0]
            raise GuardrailError(f"{first.message}; mlguard scp check says more", path, first.line, first.column)
        found.extend(written.statements)
    return found


def _structure(before: Sequence[WrittenStatement], after: Sequence[WrittenStatement], made: Difference) -> None:
    old, new = _by_sid(before), _by_sid(after)
    made.added = sorted(new.keys() - old.keys())
    made.removed = sorted(old.keys() - new.keys())
    made.rewritten = sorted(sid for sid in old.keys() & new.keys() if old[sid] != new[sid])


def _by_sid(statements: Sequence[WrittenStatement]) -> dict[str, object]:
    """Give the content of each statement by its Sid, whatever the order of its lists."""
    return {one.sid or f"statement {number}": _content(one) for number, one in enumerate(statements, 1)}


def _contents(statements: Sequence[WrittenStatement]) -> set[object]:
    return {_content(one) for one in statements}


def _content(statement: WrittenStatement) -> object:
    return (
        statement.effect,
        statement.not_action,
        statement.not_resource,
        frozenset(text.value.lower() for text in statement.actions),
        frozenset(text.value for text in statement.resources),
        frozenset(
            (test.operator.value, test.key.value.lower(), frozenset(value.value for value in test.values))
            for test in statement.tests
        ),
    )


def in_words(request: Request, keys: frozenset[str] | None = None, *, resource: bool = True) -> str:
    """Say what a request asks for: `ec2:RunInstances with ec2:InstanceType p5.48xlarge by role/Developer`.

    `keys` are those that matter, in lower case; all of them by default. `resource` tells whether the resource matters.
    """
    parts = [request.action]
    context = {
        key: values
        for key, values in request.context.items()
        if values is not None and (keys is None or key.lower() in keys)
    }
    if context:
        parts.append(f"with {' and '.join(f'{key} {_shown(values)}' for key, values in context.items())}")
    if resource and request.resource != "*":
        parts.append(f"on {request.resource}")
    parts.append(f"by {request.principal.split(':', 5)[-1]}")
    return " ".join(parts)


def _shown(values: Values) -> str:
    return " and ".join(values.known) or "(empty)"


def difference_as_text(difference: Difference) -> str:
    """Give the difference in words: what becomes allowed first."""
    lines: list[str] = []
    shown = _one_for_each_statement(difference.changes)
    for change in shown:
        by = ", ".join(sid or "a statement without Sid" for sid in change.sids)
        what = "was denied by" if change.becomes == "allowed" else "is denied now by"
        lines.append(f"becomes {change.becomes} ({what} {by}): {', '.join(change.actions)}")
        lines += [f"    {in_words(request, change.keys)}" for request in _telling(change)]
        more = len(change.requests) - _SHOWN
        if more > 0:
            lines.append(f"    and {more} more of the requests that were tried")
    together = len(difference.changes) - len(shown)
    if together:
        lines.append(f"and {number_of(together, 'change')} by several of these statements together: --format json")
    lines += list(_structural(difference))
    weakened = "weaker" if difference.weakened else "not weaker"
    lines.append(f"{weakened}: {difference.requests:,} requests were tried where the two differ")
    return "\n".join(lines) + "\n"


def _one_for_each_statement(changes: Sequence[Change]) -> list[Change]:
    """Leave out what several statements do together that all of them were shown to do, alone or with fewer others."""
    told: set[tuple[Direction, str]] = set()
    chosen: list[Change] = []
    for change in sorted(changes, key=lambda one: len(one.sids)):
        new = {(change.becomes, sid) for sid in change.sids} - told
        if new:
            told |= new
            chosen.append(change)
    return [change for change in changes if change in chosen]


def _telling(change: Change) -> Sequence[Request]:
    """Choose examples of different actions first."""
    firsts: dict[str, Request] = {}
    for request in change.requests:
        firsts.setdefault(request.action, request)
    by_words = {in_words(request, change.keys): request for request in (*firsts.values(), *change.requests)}
    return list(by_words.values())[:_SHOWN]


def _structural(difference: Difference) -> Iterator[str]:
    for what, sids in (
        ("added", difference.added),
        ("removed", difference.removed),
        ("rewritten", difference.rewritten),
    ):
        if sids:
            yield f"statements {what}: {', '.join(sids)}"


def difference_as_json(difference: Difference) -> str:
    """Give the difference for programs: versioned, ASCII, keys sorted."""
    content = {
        "version": _VERSION,
        "weakened": difference.weakened,
        "requests_tried": difference.requests,
        "changes": [
            {
                "becomes": change.becomes,
                "statements": list(change.sids),
                "actions": list(change.actions),
                "requests": [_request(request) for request in change.requests],
            }
            for change in difference.changes
        ],
        "statements": {
            "added": difference.added,
            "removed": difference.removed,
            "rewritten": difference.rewritten,
        },
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def _request(request: Request) -> Mapping[str, object]:
    context = {key: list(values.known) for key, values in request.context.items() if values is not None}
    return {
        "action": request.action,
        "resource": request.resource,
        "principal": request.principal,
        "context": context,
    }
