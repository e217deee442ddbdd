from __future__ import annotations

import re
from collections.abc import Callable

from mlguard.finding import Finding, Report
from mlguard.policy.model import Severity
from mlguard.render.github import render

COMMAND = re.compile(r"::(error|warning|notice) ((?:file|line|col|endColumn|title)=[^:,\r\n]*,?)+::[^\r\n]*")


def test_one_of_everything(full_report: Report) -> None:
    policy = "notebook-instance-type-not-allowed"
    fix = "%0Afix: Choose an allowed type."
    assert render(full_report) == (
        "::error file=infra/bad.yaml,line=4,title=mlguard could not read everything::not YAML: a tab indents\n"
        "::error file=big.json,title=mlguard could not read everything::too large\n"
        f"::error file=infra/nb.tf,line=2,col=2,endColumn=35,title=critical%3A {policy}::"
        f"ml.p4d.24xlarge is not allowed in dev%0Awhen Env = prod%0Aat stake: $18,433 to $29,850 a month{fix}\n"
        f"::error file=infra/nb.tf,line=1,col=10,title=high%3A {policy}::the whole block{fix}\n"
        "::warning file=infra/nb.tf,line=1,col=10,endColumn=48,title=medium%3A bucket-without-lifecycle::"
        "nothing expires%0Afix: Add a rule.\n"
        "mlguard: 3 findings (1 critical, 1 high, 1 medium), 2 problems, 3 checks undecided in 2 projects, "
        "34 resources; files: 10 scanned, 1 partly, 2 failed, 3 skipped\n"
    )


def test_ten_of_a_kind_the_worst_first(
    make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    findings = [make_finding(severity=Severity.HIGH, leaf=str(n)) for n in range(11)]
    findings += [make_finding(severity=Severity.CRITICAL, leaf=f"c{n}") for n in range(2)]
    findings += [make_finding(severity=Severity.INFO, leaf=f"i{n}") for n in range(11)]
    lines = render(make_report(*findings)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert ["title=critical" in line for line in errors] == [True] * 2 + [False] * 8
    assert sum(line.startswith("::notice") for line in lines) == 10
    assert lines[-3].startswith("mlguard: 3 more errors not annotated, GitHub shows 10 of a kind")
    assert lines[-2].startswith("mlguard: 1 more notice not annotated")


def test_every_line_is_ours(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    text = render(make_hostile_report(hostile))
    text.encode("utf-8")
    for line in text.splitlines():
        assert line.isprintable()
        assert COMMAND.fullmatch(line) or line.startswith("mlguard: ")
    assert len(text.splitlines()) == 7


def test_only_what_the_change_made_is_annotated(compared_report: Report) -> None:
    policy, at = "notebook-instance-type-not-allowed", "file=infra/nb.tf,line=2,col=2,endColumn=35"
    assert render(compared_report).splitlines() == [
        (
            f"::error {at},title=high%3A {policy}::ml.p4d.24xlarge is not allowed in dev"
            "%0Aat stake: $18,433 to $29,850 a month%0Afix: Choose an allowed type."
        ),
        "::warning file=infra/nb.tf,line=2,title=this change bears on the check itself::this change adds an ignore",
        "::warning title=this change bears on the check itself::less is read",
        (
            f"::warning {at},title=medium%3A {policy}::ml.p4d.24xlarge is not allowed in dev%0Awas: ml.t3.medium"
            "%0Afix: Choose an allowed type."
        ),
        "mlguard: 1 new, 1 worse, 1 existing, 1 fixed against main at 1a2b3c4",
        (
            "mlguard: 3 findings (2 high, 1 medium), 0 problems, 0 checks undecided in 1 project, 1 resource; "
            "files: 1 scanned, 0 partly, 0 failed, 0 skipped"
        ),
    ]
