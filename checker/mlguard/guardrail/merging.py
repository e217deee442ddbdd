"""Unite statements of a policy that differ in nothing but their actions, and pack all into as few SCPs as possible."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlguard.errors import GuardrailError
from mlguard.record import field, record
from mlguard.scp.written import VERSION


@record()
class ScpDocument:
    """One SCP: a name that is free in no particular organization, and its content as plain data."""

    name: str
    content: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Give the SCP as it is to be sent: ASCII JSON without a needless character."""
        return minified(self.content)


@record(frozen=False)
class Requested:
    """A statement as plain data, and who asks for it: policies, parameters that it reads, what it enforces, limits."""

    content: dict[str, Any]
    policies: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    enforce: set[str] = field(default_factory=set)
    limits: list[str] = field(default_factory=list)

    @property
    def sid(self) -> str:
        """Give the statement's Sid."""
        return str(self.content["Sid"])


def minified(content: object) -> str:
    """Write plain data as ASCII JSON without spaces."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True)


def merge(statements: Sequence[Requested]) -> list[Requested]:
    """Unite the actions of a policy's statements that are equal in all else; the first Sid in alphabetical order stays.

    Statements of different policies stay apart: whoever is denied reads the Sid, and must find the reason behind it.
    """
    found: dict[str, Requested] = {}
    for one in sorted(statements, key=lambda one: (one.sid, minified(one.content))):
        rest = {name: value for name, value in one.content.items() if name not in ("Sid", "Action")}
        key = minified([sorted(one.policies), rest])
        kept = found.get(key)
        if kept is None:
            found[key] = Requested(dict(one.content), set(one.policies), set(one.uses), set(one.enforce), one.limits[:])
            continue
        kept.content["Action"] = sorted({*kept.content["Action"], *one.content["Action"]})
        kept.uses |= one.uses
        kept.enforce |= one.enforce
        kept.limits += [limit for limit in one.limits if limit not in kept.limits]
    return list(found.values())


def refuse_repeated(statements: Sequence[Requested]) -> None:
    """Raise GuardrailError where two statements have one name."""
    seen: dict[str, Requested] = {}
    for one in statements:
        if one.sid in seen:
            policies = " and ".join(sorted(one.policies | seen[one.sid].policies))
            raise GuardrailError(f'two different statements are called "{one.sid}" ({policies}): rename one of them')
        seen[one.sid] = one


def pack(statements: Sequence[Requested], environment: str, max_chars: int) -> tuple[ScpDocument, ...]:
    """Distribute statements, the longest first, each into the first SCP that has room for it."""
    empty = len(minified({"Version": VERSION, "Statement": []}))
    bins: list[tuple[int, list[Requested]]] = []
    for one in sorted(statements, key=lambda one: (-len(minified(one.content)), one.sid)):
        length = len(minified(one.content))
        if empty + length > max_chars:
            raise GuardrailError(
                f"the statement {one.sid} alone needs {empty + length:,} characters, and an SCP may have "
                f"{max_chars:,}: shorten its parameters ({', '.join(sorted(one.uses)) or 'it has none'})"
            )
        for index, (used, held) in enumerate(bins):
            if used + 1 + length <= max_chars:
                bins[index] = (used + 1 + length, [*held, one])
                break
        else:
            bins.append((empty + length, [one]))
    prefix = f"mlguard-{environment}" if environment else "mlguard"
    return tuple(
        ScpDocument(
            f"{prefix}-{number}",
            {"Version": VERSION, "Statement": [one.content for one in sorted(held, key=lambda one: one.sid)]},
        )
        for number, (_, held) in enumerate(bins, 1)
    )
