"""The faults of SCPs as text, as JSON, and as SARIF with one rule for each check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlguard.errors import MlguardError
from mlguard.finding import Counts, Finding, Report, number_of
from mlguard.policy.model import Check, Guardrail, Policy, Severity
from mlguard.render.escape import terminal, terminal_path, unicode_text
from mlguard.render.sarif import render as render_sarif
from mlguard.scp.catalogue import CHECKS
from mlguard.scp.written import Fault
from mlguard.source import Document, Span

FORMATS = ("text", "json", "sarif")
_VERSION = 1
_PATH, _MESSAGE = 400, 2000


def faults_as_text(
    faults: Sequence[Fault], scps: int, problems: Sequence[MlguardError], undecided: Mapping[str, str]
) -> str:
    """Give one line for each fault, what to write instead below it, and what it comes to."""
    lines: list[str] = []
    for fault in faults:
        place = f"{terminal_path(fault.path, _PATH)}:{fault.line}:{fault.column}"
        sid = f"{terminal(fault.sid, 80)}: " if fault.sid else ""
        lines.append(f"{place}: {fault.severity}: {sid}{terminal(fault.message, _MESSAGE)} [{fault.check}]")
        if fault.correction:
            lines.append(f"    correct: {terminal(fault.correction, _MESSAGE)}")
    lines += [f"{terminal(str(problem), _MESSAGE)} [problem]" for problem in problems]
    lines += [
        f"{terminal(address, _PATH)}: not all of it is known: {terminal(because, _MESSAGE)}"
        for address, because in undecided.items()
    ]
    errors = sum(fault.severity == "error" for fault in faults)
    found = f"{number_of(errors, 'error')}, {number_of(len(faults) - errors, 'warning')}"
    safe = "" if faults or problems else ("; it is safe" if scps == 1 else "; all are safe" if scps else "")
    lines.append(f"{number_of(scps, 'SCP')}: {found}{safe}")
    return "\n".join(lines) + "\n"


def faults_as_json(
    faults: Sequence[Fault], scps: int, problems: Sequence[MlguardError], undecided: Mapping[str, str]
) -> str:
    """Give the same for programs: versioned, ASCII, keys sorted."""
    content = {
        "version": _VERSION,
        "scps": scps,
        "faults": [
            {
                "path": unicode_text(fault.path),
                "line": fault.line,
                "column": fault.column,
                "severity": fault.severity,
                "check": fault.check,
                "sid": unicode_text(fault.sid),
                "message": unicode_text(fault.message),
                "correction": unicode_text(fault.correction),
            }
            for fault in faults
        ],
        "problems": [
            {"path": unicode_text(one.path), "line": one.line or None, "message": unicode_text(one.message)}
            for one in problems
        ],
        "undecided": [
            {"resource": unicode_text(address), "because": unicode_text(because)}
            for address, because in undecided.items()
        ],
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def faults_as_sarif(
    faults: Sequence[Fault], problems: Sequence[MlguardError], documents: Mapping[str, Document], prefix: str
) -> str:
    """Give the faults as a SARIF log."""
    rules = {(fault.check, fault.severity): _rule(fault) for fault in faults}
    findings = [_finding(fault, rules[(fault.check, fault.severity)]) for fault in faults]
    report = Report(
        findings=tuple(findings),
        problems=tuple(problems),
        undecided=(),
        counts=Counts(),
        policies=tuple({policy.id: policy for policy in rules.values()}.values()),
        documents=documents,
        display_prefix=prefix,
    )
    return render_sarif(report)


def _rule(fault: Fault) -> Policy:
    title = CHECKS.get(fault.check, fault.check)
    return Policy(
        id=fault.check,
        title=title,
        severity=Severity.HIGH if fault.severity == "error" else Severity.LOW,
        pack="scp",
        since="",
        applies_to=(),
        require=Check("content", "exists", operand=True),
        when=None,
        raise_severity_when=None,
        messages={},
        why=title,
        fix_by_hand={},
        guardrail=Guardrail("none", ""),
    )


def _finding(fault: Fault, rule: Policy) -> Finding:
    correction = f"\nCorrect: {fault.correction}" if fault.correction else ""
    return Finding(
        policy=rule,
        severity=rule.severity,
        message=f"{fault.message}{correction}",
        at=Span(fault.path, fault.line, fault.column, fault.line, fault.column),
        project=fault.path,
        resource=fault.sid,
        resource_type="SCP",
        leaf=fault.check,
    )
