from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import mlguard
from mlguard.bundled import policies_folder
from mlguard.errors import ParseError
from mlguard.finding import Finding, Report
from mlguard.policy.model import Policy
from mlguard.render.json_report import render
from mlguard.source import Span


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    text = (policies_folder() / "schema" / "report.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded)


def test_one_of_everything(full_report: Report, schema: Draft202012Validator) -> None:
    document = json.loads(render(full_report))
    schema.validate(document)
    assert document["version"] == 1
    assert document["tool"] == {"name": "mlguard", "version": mlguard.__version__}
    assert [one["line"] for one in document["findings"]] == [1, 1, 2, 2]
    assert document["counts"] == {
        "findings": 3,
        "failing": 3,
        "by_severity": {"critical": 1, "high": 1, "medium": 1, "low": 0, "info": 0},
        "suppressed": 1,
        "problems": 2,
        "undecided": 3,
        "checks": 99,
        "projects": 2,
        "resources": 34,
        "files": {"scanned": 10, "partly": 1, "failed": 2, "skipped": 3},
    }
    assert document["problems"][0] == {
        "path": "infra/bad.yaml",
        "line": 4,
        "column": 2,
        "kind": "parse",
        "message": "not YAML: a tab indents",
    }
    assert document["problems"][1]["line"] is None
    assert document["notes"] == ["1 ignore is unused"]
    assert [one["id"] for one in document["policies"]] == [
        "bucket-without-lifecycle",
        "notebook-instance-type-not-allowed",
    ]


def test_finding(full_report: Report) -> None:
    findings = json.loads(render(full_report))["findings"]
    critical = next(one for one in findings if one["severity"] == "critical")
    fingerprint = next(one for one in full_report.findings if one.when).fingerprint
    assert critical == {
        "path": "infra/nb.tf",
        "line": 2,
        "column": 2,
        "end_line": 2,
        "end_column": 35,
        "policy": "notebook-instance-type-not-allowed",
        "aliases": ["MLG001"],
        "title": "Notebook runs on an instance type that its environment does not allow",
        "severity": "critical",
        "status": "",
        "was": "",
        "message": "ml.p4d.24xlarge is not allowed in dev",
        "project": "infra",
        "resource": "aws_sagemaker_notebook_instance.nb",
        "also": [],
        "resource_type": "aws_sagemaker_notebook_instance",
        "property": "instance_type",
        "construct": "",
        "environment": "",
        "when": "Env = prod",
        "related": [
            {"path": "main.tf", "line": 3, "column": 1, "end_line": 3, "end_column": 9, "what": "called here"},
        ],
        "suppressed": None,
        "fingerprint": fingerprint,
        "fix": {
            "dialect": "terraform",
            "by_hand": 'Choose an allowed type:\n\n    instance_type = "ml.t3.medium"',
            "automatic": None,
        },
        "guardrail": "preventive",
        "exposure": {
            "monthly_usd": {"low": 18433.45, "high": 29849.99},
            "run_usd": None,
            "parts": [
                {
                    "project": "infra",
                    "environment": "sandbox",
                    "resource": "aws_sagemaker_notebook_instance.nb",
                    "name": "machines.0",
                    "per": "month",
                    "low": 18433.45,
                    "high": 29849.99,
                    "basis": "derived",
                    "how": "ml.p4d.24xlarge, 730 h x $25.25 in us-east-1 to $40.89 in sa-east-1",
                }
            ],
        },
    }
    hidden = next(one for one in findings if one["suppressed"] is not None)
    assert hidden["suppressed"]["reason"] == "the team knows"


def test_policy_without_a_fix(
    make_finding: Callable[..., Finding],
    make_policy: Callable[..., Policy],
    make_report: Callable[..., Report],
    schema: Draft202012Validator,
) -> None:
    document = json.loads(render(make_report(make_finding(policy=make_policy(fix_by_hand={})))))
    schema.validate(document)
    assert document["findings"][0]["fix"] is None


def test_path_that_is_not_utf8(make_report: Callable[..., Report], schema: Draft202012Validator) -> None:
    document = json.loads(render(make_report(problems=(ParseError("no", "a\udcff.tf"),), display_prefix="live/")))
    schema.validate(document)
    problem = document["problems"][0]
    assert problem["path"] == r"live/a\udcff.tf"
    assert base64.b64decode(problem["path_base64"]) == b"live/a\xff.tf"


def test_hostile_text_is_kept_and_ascii(
    make_hostile_report: Callable[[str], Report], schema: Draft202012Validator, hostile: str
) -> None:
    text = render(make_hostile_report(hostile))
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    document = json.loads(text)
    schema.validate(document)
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    assert document["notes"] == [hostile.encode("utf-8", "backslashreplace").decode()]


def test_stable(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    one, two = make_finding(), make_finding(leaf="z", at=Span("infra/nb.tf", 1, 1, 1, 4))
    assert render(make_report(one, two)) == render(make_report(two, one))


def test_what_a_run_was_compared_with(compared_report: Report, schema: Draft202012Validator) -> None:
    document = json.loads(render(compared_report))
    schema.validate(document)
    assert document["counts"]["findings"] == 3
    assert document["counts"]["failing"] == 2
    assert [one["status"] for one in document["findings"]] == ["new", "existing", "new", "worse"]
    assert document["findings"][3]["was"] == "ml.t3.medium"
    comparison = document["comparison"]
    assert comparison["against"] == "main at 1a2b3c4"
    assert comparison["by_status"] == {"new": 1, "worse": 1, "existing": 1, "fixed": 1}
    assert [one["message"] for one in comparison["fixed"]] == ["it is no more"]
    assert comparison["monthly_usd"] == {
        "before": {"low": 100.0, "high": 200.0},
        "added": {"low": 18433.45, "high": 29849.99},
    }
    assert [(one["path"], one["line"], one["text"]) for one in document["remarks"]] == [
        ("infra/nb.tf", 2, "this change adds an ignore"),
        ("", None, "less is read"),
    ]
    assert document["provenance"]["configuration_ref"] == "origin/main"
