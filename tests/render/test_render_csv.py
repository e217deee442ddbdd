"""CSV as the csv module of the standard library reads it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from mlguard.finding import Finding, Report
from mlguard.render.csv_table import COLUMNS, render
from mlguard.render.escape import visible


def rows_of(report: Report) -> list[dict[str, str]]:
    text = render(report)
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_one_of_everything(full_report: Report) -> None:
    rows = rows_of(full_report)
    assert [row["kind"] for row in rows] == [*["finding"] * 3, "suppressed", *["undecided"] * 3, *["problem"] * 2]
    assert rows[2] == {
        "kind": "finding",
        "status": "",
        "severity": "critical",
        "policy": "notebook-instance-type-not-allowed",
        "pack": "sagemaker",
        "message": "ml.p4d.24xlarge is not allowed in dev",
        "path": "infra/nb.tf",
        "line": "2",
        "column": "2",
        "project": "infra",
        "environment": "",
        "resource": "aws_sagemaker_notebook_instance.nb",
        "resource_type": "aws_sagemaker_notebook_instance",
        "property": "instance_type",
        "when": "Env = prod",
        "monthly_usd_low": "18433.45",
        "monthly_usd_high": "29849.99",
        "run_usd_low": "",
        "run_usd_high": "",
        "guardrail": "preventive",
        "fix": "Choose an allowed type.",
        "reason": "",
        "fingerprint": full_report.findings[0].fingerprint,
    }
    assert rows[3]["reason"] == "the team knows"
    assert rows[4]["reason"] == "var.size has no value"
    assert (rows[7]["path"], rows[7]["line"], rows[7]["message"]) == ("infra/bad.yaml", "4", "not YAML: a tab indents")


def test_a_clean_run_is_a_header(make_report: Callable[..., Report]) -> None:
    assert render(make_report()) == ",".join(COLUMNS) + "\r\n"


def test_what_nothing_bounds_has_no_high_end(
    make_finding: Callable[..., Finding], make_part: Callable[..., object], make_report: Callable[..., Report]
) -> None:
    (row,) = rows_of(make_report(make_finding(exposure=(make_part(low=5.0, high=None),))))
    assert (row["monthly_usd_low"], row["monthly_usd_high"]) == ("5.00", "")


def test_what_the_change_did_is_a_column(compared_report: Report) -> None:
    assert [(row["kind"], row["status"]) for row in rows_of(compared_report)] == [
        ("finding", "new"),
        ("finding", "existing"),
        ("suppressed", "new"),
        ("finding", "worse"),
        ("fixed", "fixed"),
    ]


def test_hostile_text_stays_in_its_cells(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    rows = rows_of(make_hostile_report(hostile))
    assert [row["kind"] for row in rows] == ["finding", "suppressed", "fixed", "undecided", "problem", "problem"]
    for row in rows:
        assert list(row) == list(COLUMNS)
        for cell in row.values():
            assert cell.isprintable()
            assert not cell.lstrip(" \xa0").startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
    assert rows[0]["message"].removeprefix("'")[:200] == visible(hostile).removeprefix("'")[:200]
