"""The safety checks of SCPs, generated and hand-written: a wrong SCP locks people out of their own accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mlguard.scp.breadth import faults_of_breadth
from mlguard.scp.conditions import faults_of_conditions
from mlguard.scp.exemptions import faults_of_exemption, unprotected
from mlguard.scp.instance_types import faults_of_instance_types
from mlguard.scp.reading import read
from mlguard.scp.regions import faults_of_regions
from mlguard.scp.written import Fault, WrittenScp, WrittenStatement

MAX_CHARS = 10_240  # since 2026-05-15; it was 5,120 before
SLOTS = 9  # ten since 2026-05-15, one of them taken by FullAWSAccess


def check(text: str, path: str = "", *, max_chars: int = MAX_CHARS, exempt: Sequence[str] = ()) -> list[Fault]:
    """Check one SCP by itself; the faults are in the order of its lines.

    `exempt` are ARN patterns that every Deny must leave out; without them, any exempt role will do.
    """
    written = read(text, path)
    return _in_order([*written.faults, *_size(text, path, max_chars), *_faults(written.statements, exempt)])


def check_together(
    texts: Sequence[tuple[str, str]], *, max_chars: int = MAX_CHARS, slots: int = SLOTS, exempt: Sequence[str] = ()
) -> list[Fault]:
    """Check SCPs, each a path and its text, that will be attached to one target.

    Adds what only the whole shows: whether they fit the attachment slots, whether the exempt roles are protected, and
    which doors they leave open together.
    """
    faults = [fault for path, text in texts for fault in check(text, path, max_chars=max_chars, exempt=exempt)]
    if len(texts) > slots:
        message = f"{len(texts)} SCPs for {slots} free attachment slots; attach some of them a level higher"
        faults.append(Fault("too-many-documents", message, path=texts[slots][0], line=1, column=1))
    faults.extend(faults_of_the_whole([read(text, path) for path, text in texts]))
    return faults


def check_read(written: WrittenScp) -> list[Fault]:
    """Check one SCP that was read already: all that does not depend on how its text is written."""
    return _in_order([*written.faults, *_faults(written.statements, ())])


def faults_of_the_whole(scps: Sequence[WrittenScp]) -> list[Fault]:
    """Give what is wrong with SCPs that hold together, each of them sound."""
    statements = [statement for written in scps for statement in written.statements]
    return _in_order([*unprotected(statements), *faults_of_instance_types(statements)])


def too_long(text: str, max_chars: int = MAX_CHARS) -> str:
    """Say that a text is longer than an SCP may be; empty where it is not."""
    if len(text) <= max_chars:
        return ""
    try:
        least = len(json.dumps(json.loads(text), separators=(",", ":")))
    except (ValueError, RecursionError):
        return ""  # said already
    hint = f"; without its spaces it would have {least:,}" if least <= max_chars else ""
    return f"{len(text):,} characters, and an SCP may have {max_chars:,}{hint}"


def _size(text: str, path: str, max_chars: int) -> Iterator[Fault]:
    message = too_long(text, max_chars)
    if message:
        yield Fault("too-long", message, 1, 1, path=path)


def _in_order(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.path, fault.line, fault.column, fault.check, fault.message))


def _faults(statements: Sequence[WrittenStatement], exempt: Sequence[str]) -> Iterator[Fault]:
    for statement in statements:
        if statement.effect == "Allow":
            yield from _allow(statement)
            continue
        yield from faults_of_breadth(statement)
        yield from faults_of_conditions(statement)
        yield from faults_of_regions(statement)
        yield from faults_of_exemption(statement, exempt)


def _allow(statement: WrittenStatement) -> Iterator[Fault]:
    everything = [text.value for text in (*statement.actions, *statement.resources)] == ["*", "*"]
    if not everything or statement.tests or statement.not_action or statement.not_resource:
        message = (
            "an Allow forbids everything that it does not name as soon as FullAWSAccess is detached; "
            "keep FullAWSAccess and write what to deny"
        )
        yield statement.fault("allow-list", message)
