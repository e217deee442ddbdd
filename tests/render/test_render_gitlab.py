"""The code quality report against what GitLab documents of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from mlguard.errors import ParseError
from mlguard.finding import Finding, Report
from mlguard.render.escape import visible
from mlguard.render.gitlab import render

# "A JSON array of objects with the following properties", in the documentation of Code Quality; the paths are
# relative to the root of the repository and do not begin with `./`.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^(/|\./|\.\./)"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues_of(report: Report) -> list[dict[str, Any]]:
    text = render(report)
    assert text.isascii()
    issues: list[dict[str, Any]] = json.loads(text)
    Draft202012Validator(SCHEMA).validate(issues)
    return issues


def test_one_of_everything(full_report: Report) -> None:
    issues = issues_of(full_report)
    assert [(one["severity"], one["location"]["path"], one["location"]["lines"]["begin"]) for one in issues] == [
        ("critical", "infra/bad.yaml", 4),
        ("critical", "big.json", 1),
        ("major", "infra/nb.tf", 1),
        ("critical", "infra/nb.tf", 1),
        ("blocker", "infra/nb.tf", 2),
    ]
    assert issues[4]["description"] == (
        "ml.p4d.24xlarge is not allowed in dev; when Env = prod; at stake: $18,433 to $29,850 a month; "
        "fix: Choose an allowed type"
    )
    assert issues[4]["check_name"] == "notebook-instance-type-not-allowed"
    assert issues[0]["description"] == "mlguard could not read everything: not YAML: a tab indents"
    assert len({one["fingerprint"] for one in issues}) == 5


def test_a_clean_run_is_an_empty_list(make_report: Callable[..., Report]) -> None:
    assert issues_of(make_report()) == []


def test_paths_are_those_of_the_repository(
    make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    for prefix in ("../../", "/home/user/repository/"):
        report = make_report(make_finding(), display_prefix=prefix)
        assert issues_of(report)[0]["location"]["path"] == "infra/nb.tf"
    assert issues_of(make_report(make_finding(), display_prefix="live/"))[0]["location"]["path"] == "live/infra/nb.tf"


def test_a_problem_of_no_file_is_told(make_report: Callable[..., Report]) -> None:
    (issue,) = issues_of(make_report(problems=(ParseError("out of luck"),)))
    assert issue["location"] == {"path": ".", "lines": {"begin": 1}}


def test_hostile_text_stays_text(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    report = make_hostile_report(hostile)
    text = render(report)
    issues = json.loads(text)
    assert len(issues) == 3
    assert all(one["description"].isprintable() and one["check_name"].isprintable() for one in issues)
    assert issues[2]["check_name"] == visible(
        f"own-{hostile}" if len(hostile) < 390 else f"own-{hostile}"[:397] + "..."
    )
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
