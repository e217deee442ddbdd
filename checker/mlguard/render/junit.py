"""The report as JUnit XML: a suite for each pack, a failed test for each finding, a passed one for a policy without.

Findings that do not count, suppressed ones and those that are older than the change, and undecided checks are skipped
tests; one that the change fixed passes; problems fail a suite of their own.
No element or attribute is used that the schema of Jenkins does not know, and no clock: `time` is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report, Undecided
from mlguard.policy.model import Policy
from mlguard.record import record
from mlguard.render.advice import fix_in_brief, shown_path
from mlguard.render.escape import shortened, xml
from mlguard.render.money import exposure_of
from mlguard.render.totals import in_order

_TEXT = 4000
_NAME = 400


@record()
class _Test:
    """A test case; `result` is empty for one that passed."""

    suite: str
    group: str
    name: str
    result: Literal["", "failure", "skipped"] = ""
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def render(report: Report) -> str:
    """Render test suites; a name has no line number, so that a reader can follow a test from run to run."""
    suites: dict[str, list[_Test]] = {}
    for test in _tests(report):
        suites.setdefault(test.suite, []).append(test)
    tests = [test for listed in suites.values() for test in listed]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="mlguard" tests="{len(tests)}" failures="{_number(tests, "failure")}" errors="0">')
    for name in sorted(suites):
        lines.extend(_suite(name, suites[name]))
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _tests(report: Report) -> Iterator[_Test]:
    yield from (_problem(report, problem) for problem in report.problems)
    yield from (_finding(report, finding) for finding in in_order(report.findings))
    if report.comparison is not None:
        yield from (_fixed(report, finding) for finding in in_order(report.comparison.fixed))
    yield from (_undecided(report, one) for one in report.undecided)
    spoken = {one.policy.id for one in report.findings} | {one.policy.id for one in report.undecided}
    yield from (_passed(policy) for policy in report.policies if policy.id not in spoken)


def _passed(policy: Policy) -> _Test:
    return _Test(policy.pack, policy.id, "no finding")


def _fixed(report: Report, finding: Finding) -> _Test:
    return _Test(finding.policy.pack, finding.policy.id, _name(report, finding))


def _finding(report: Report, finding: Finding) -> _Test:
    exposure, fix, excuse = exposure_of(finding), fix_in_brief(finding), _excuse(finding)
    lines = [
        f"{shown_path(report, finding.at.path)}:{finding.at.line}:{finding.at.column}: {finding.message}",
        f"was: {finding.was}" if finding.was else "",
        f"when {finding.when}" if finding.when else "",
        f"at stake: {exposure}" if exposure else "",
        f"fix: {fix}" if fix else "",
    ]
    return _Test(
        suite=finding.policy.pack,
        group=finding.policy.id,
        name=_name(report, finding),
        result="skipped" if excuse else "failure",
        kind=finding.severity.label,
        message=excuse or finding.message,
        lines=tuple(line for line in lines if line),
    )


def _excuse(finding: Finding) -> str:
    """Say why a finding does not count, empty when it does."""
    if finding.suppressed is not None:
        return f"suppressed: {finding.suppressed.reason}"
    return "" if finding.counts else f"{finding.status}: older than this change"


def _name(report: Report, finding: Finding) -> str:
    """Name what is wrong with what: the parts of the fingerprint."""
    parts = (shown_path(report, finding.at.path), finding.resource, finding.leaf)
    again = f" #{finding.repeat + 1}" if finding.repeat else ""
    return " ".join(part for part in parts if part) + again


def _undecided(report: Report, one: Undecided) -> _Test:
    name = f"{shown_path(report, one.at.path)} {one.resource}".strip()
    return _Test(one.policy.pack, one.policy.id, name, "skipped", "undecided", f"undecided: {one.because}")


def _problem(report: Report, problem: MlguardError) -> _Test:
    path = shown_path(report, problem.path) or "the run"
    where = f"{path}:{problem.line}" if problem.line else path
    return _Test("problems", "problem", path, "failure", "problem", problem.message, (f"{where}: {problem.message}",))


def _suite(name: str, tests: list[_Test]) -> Iterable[str]:
    counts = f'tests="{len(tests)}" failures="{_number(tests, "failure")}" errors="0"'
    yield f'  <testsuite name="{_attribute(name)}" {counts} skipped="{_number(tests, "skipped")}">'
    for test in tests:
        head = f'    <testcase classname="{_attribute(f"{test.suite}.{test.group}")}" name="{_attribute(test.name)}"'
        if not test.result:
            yield f"{head}/>"
            continue
        yield f"{head}>"
        text = "\n".join(_element(line) for line in test.lines)
        inner = f'{test.result} type="{test.kind}" message="{_attribute(test.message, _TEXT)}"'
        yield f"      <{inner}>{text}</{test.result}>" if text else f"      <{inner}/>"
        yield "    </testcase>"
    yield "  </testsuite>"


def _number(tests: Iterable[_Test], result: str) -> int:
    return sum(test.result == result for test in tests)


def _attribute(text: str, limit: int = _NAME) -> str:
    return _element(text, limit)


def _element(text: str, limit: int = _TEXT) -> str:
    return xml(shortened(" ".join(text.split("\n")), limit))
