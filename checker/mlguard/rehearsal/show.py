"""The rehearsal as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from mlguard.finding import number_of
from mlguard.rehearsal.impact import Impact, Rehearsed
from mlguard.render.escape import terminal, terminal_path, unicode_text
from mlguard.scp.decide import Open

_VERSION = 1
_PATH, _TEXT = 400, 600
_WORDS = {"denied": "would be denied", "undecided": "cannot be decided", "allowed": "would pass"}


def impact_as_text(impact: Impact, prefix: str, *, verbose: bool = False) -> str:
    """Give what would be refused and what nobody can tell, then what it comes to; with `verbose` what passes, too."""
    lines: list[str] = []
    for one in impact.rehearsed:
        if one.outcome != "allowed" or verbose:
            lines.extend(_lines(one, prefix))
    lines += [f"{terminal(str(problem), _TEXT)} [problem]" for problem in impact.problems]
    lines.extend(_totals(impact, verbose=verbose))
    return "\n".join(lines) + "\n"


def _totals(impact: Impact, *, verbose: bool) -> Iterator[str]:
    counted = {outcome: sum(one.outcome == outcome for one in impact.rehearsed) for outcome in _WORDS}
    by_sid = Counter(sid for one in impact.denied for sid in one.denied_by)
    if by_sid:
        listed = (f"{terminal(sid, 80) or 'a statement without Sid'} {count}" for sid, count in by_sid.most_common())
        yield f"denied by: {', '.join(listed)}"
    if impact.unmodelled and verbose:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(impact.unmodelled.items()))
        yield f"not rehearsed: {kinds}"
    others = sum(impact.unmodelled.values())
    rest = f"; {others:,} of other kinds were not rehearsed" if others else ""
    yield (
        f"{number_of(impact.resources, 'resource')}: {counted['denied']} denied, {counted['undecided']} undecided, "
        f"{counted['allowed']} allowed of {number_of(len(impact.rehearsed), 'call')}{rest}"
    )


def _lines(one: Rehearsed, prefix: str) -> Iterator[str]:
    place = f"{terminal_path(prefix + one.at.path, _PATH)}:{one.at.line}:{one.at.column}"
    by = (
        f" by {', '.join(terminal(sid, 80) or 'a statement without Sid' for sid in one.denied_by)}"
        if one.denied_by
        else ""
    )
    where = f" in {terminal(one.environment, 80)}" if one.environment else ""
    what = f"{one.action} {_WORDS[one.outcome]}".lstrip()
    yield f"{place}: {terminal(one.resource, _PATH)}: {what}{by}{where}"
    if one.asked:
        asked = (f"{key} {terminal(', '.join(values), 200)}" for key, values in one.asked)
        yield f"    it asks for {' and '.join(asked)}"
    if one.when:
        yield f"    when {terminal(one.when, _TEXT)}"
    yield from _reasons(one.undecided)


def _reasons(undecided: Sequence[Open]) -> Iterator[str]:
    """Say once why a key is not known, however many statements ask for it."""
    found: dict[tuple[str, str], list[str]] = {}
    for reason in undecided:
        found.setdefault((reason.key, reason.because), []).append(reason.sid or "a statement without Sid")
    for (key, because), sids in found.items():
        who = f"{', '.join(terminal(sid, 80) for sid in dict.fromkeys(sids))}"
        about = f"{terminal(key, 120)}: " if key else ""
        asking = f" (asked for by {who})" if key else ""
        yield f"    {about}{terminal(because, _TEXT)}{asking}"


def impact_as_json(impact: Impact, prefix: str) -> str:
    """Give every call with its outcome: versioned, ASCII, keys sorted."""
    content = {
        "version": _VERSION,
        "resources": impact.resources,
        "calls": [
            {
                "path": unicode_text(prefix + one.at.path),
                "line": one.at.line,
                "column": one.at.column,
                "resource": unicode_text(one.resource),
                "kind": one.kind,
                "action": one.action,
                "outcome": one.outcome,
                "environment": one.environment,
                "denied_by": list(one.denied_by),
                "asked": {key: [unicode_text(value) for value in values] for key, values in one.asked},
                "undecided": [
                    {"sid": reason.sid, "key": reason.key, "because": unicode_text(reason.because)}
                    for reason in one.undecided
                ],
                "when": unicode_text(one.when),
            }
            for one in impact.rehearsed
        ],
        "not_rehearsed": dict(sorted(impact.unmodelled.items())),
        "problems": [
            {"path": unicode_text(one.path), "line": one.line or None, "message": unicode_text(one.message)}
            for one in impact.problems
        ],
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
