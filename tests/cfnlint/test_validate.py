"""`mlguard scan --validate`: cfn-lint's errors beside mlguard's findings, bounded, and nothing of the folder is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlguard import validate
from mlguard.errors import LimitError, SourceError, TemplateError
from mlguard.source import Document
from mlguard.validate import template_errors

MISSPELT = """\
Resources:
  Bench:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: ml.t3.medium
      LifecycleConfignName: stop-when-idle
      RoleArn: arn:aws:iam::111111111111:role/research
"""
GOOD = MISSPELT.replace("LifecycleConfignName", "LifecycleConfigName")
EVIL = "import pathlib\npathlib.Path('ran').touch()\n"


def scanned(folder: Path, files: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mlguard", "scan", ".", "--no-progress", *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_an_error_of_cfn_lint_is_a_problem_beside_the_findings(tmp_path: Path) -> None:
    run = scanned(tmp_path, {"t.yaml": MISSPELT})
    assert (run.returncode, "E3002" in run.stdout) == (1, False)
    run = scanned(tmp_path, {}, "--validate")
    assert run.returncode == 2
    assert "problem  t.yaml:6:7: E3002 Additional properties are not allowed ('LifecycleConfignName'" in run.stdout
    assert "Bench has no lifecycle configuration" in run.stdout
    assert not run.stderr


def test_a_valid_template_changes_nothing(tmp_path: Path) -> None:
    plain = scanned(tmp_path, {"t.yaml": GOOD})
    validated = scanned(tmp_path, {}, "--validate")
    assert (validated.stdout, validated.returncode) == (plain.stdout, plain.returncode)


def test_each_format_shows_the_rule_and_escapes_the_message(tmp_path: Path) -> None:
    files = {"t.yaml": MISSPELT.replace("LifecycleConfignName", '"Li\\u202efe<b>\\e[31m"')}
    problems = json.loads(scanned(tmp_path, files, "--validate", "--format=json").stdout)["problems"]
    assert [(one["kind"], one["line"], one["message"][:5]) for one in problems] == [("template", 6, "E3002")]
    for form in ("text", "sarif", "github", "markdown"):
        shown = scanned(tmp_path, {}, "--validate", f"--format={form}").stdout
        assert "E3002" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_templates_of_an_assembly_are_validated_too(tmp_path: Path) -> None:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "T.template.json"}}
    bench = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceTyp": "ml.t3.medium"}}
    files = {
        "cdk.out/manifest.json": json.dumps({"artifacts": {"T": stack}}),
        "cdk.out/T.template.json": json.dumps({"Resources": {"Bench": bench}}, indent=1),
    }
    report: dict[str, Any] = json.loads(scanned(tmp_path, files, "--validate", "--format=json").stdout)
    assert {one["path"] for one in report["problems"]} == {"cdk.out/T.template.json"}
    assert report["findings"]


def test_nothing_that_the_folder_names_is_run(tmp_path: Path) -> None:
    inline = "Metadata: {cfn-lint: {config: {append_rules: [evil], custom_rules: rules.txt}}}\n"
    files = {
        "t.yaml": inline + MISSPELT,
        ".cfnlintrc": "append_rules: [evil, .]\nignore_checks: [E3002]\n",
        "evil.py": EVIL,
        "rules.txt": "AWS::SageMaker::NotebookInstance InstanceType == x ERROR y\n",
    }
    run = scanned(tmp_path, files, "--validate")
    assert "E3002" in run.stdout
    assert "E9001" not in run.stdout
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        "Metadata: {cfn-lint: {config: {ignore_checks: [E3002]}}}\n" + MISSPELT,
        MISSPELT.replace(
            "    Properties:", "    Metadata: {cfn-lint: {config: {ignore_checks: [E3002]}}}\n    Properties:"
        ),
    ],
    ids=["of the template", "of the resource"],
)
def test_checks_that_a_template_ignores_are_ignored(text: str) -> None:
    assert template_errors({"t.yaml": Document("t.yaml", MISSPELT)})
    assert not template_errors({"t.yaml": Document("t.yaml", text)})


def test_a_nested_template_outside_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("Parameters: {Word: {Type: String}}\n", encoding="utf-8")
    parent = "Resources: {S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ../secret.yaml}}}\n"
    documents = {"t.yaml": Document("t.yaml", parent)}
    assert all("Word" not in one.message for one in template_errors(documents))


def test_a_region_that_does_not_have_a_type_is_an_error() -> None:
    documents = {"t.yaml": Document("t.yaml", "Resources: {B: {Type: AWS::Bedrock::Flow, Properties: {}}}\n")}
    assert any("E3006" in one.message for one in template_errors(documents, "af-south-1"))
    assert not any("E3006" in one.message for one in template_errors(documents, "nowhere-1"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.yaml", "a: 1\n"),
        ("app.ts", MISSPELT),
        ("main.tf", 'resource "aws_s3_bucket" "b" {}\n'),
    ],
)
def test_what_is_no_template_is_not_given_to_cfn_lint(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "_Linter", None)
    assert template_errors({name: Document(name, text)}) == []


def test_a_failure_of_cfn_lint_is_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, _region: str) -> None:
            pass

        def __call__(self, _text: str) -> list[Any]:
            raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(validate, "_Linter", Broken)
    (problem,) = template_errors({"t.yaml": Document("t.yaml", GOOD)})
    assert isinstance(problem, SourceError)
    assert str(problem) == "t.yaml: cfn-lint failed: ZeroDivisionError: deep inside"


def test_a_cfn_lint_that_does_not_start_is_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cfnlint.runner", None)
    (problem,) = template_errors({"t.yaml": Document("t.yaml", GOOD), "u.yaml": Document("u.yaml", GOOD)})
    assert problem.message.startswith("cfn-lint cannot be started: ")


def test_a_template_that_keeps_cfn_lint_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        def __init__(self, _region: str) -> None:
            pass

        def __call__(self, _text: str) -> list[Any]:
            while True:
                with suppress(Exception):  # as cfn-lint does around each rule
                    sum(range(1000))

    monkeypatch.setattr(validate, "_Linter", Busy)
    monkeypatch.setattr(validate, "_PATIENCE", 0.05)
    (problem,) = template_errors({"t.yaml": Document("t.yaml", GOOD)})
    assert isinstance(problem, LimitError)


def test_a_template_larger_than_cloudformation_takes_is_not_validated() -> None:
    large = f"{MISSPELT}Description: {'x' * 1_000_000}\n"
    (problem,) = template_errors({"t.yaml": Document("t.yaml", large)})
    assert isinstance(problem, LimitError)


def test_the_kind_of_an_error() -> None:
    (problem,) = template_errors({"t.yaml": Document("t.yaml", MISSPELT)})
    assert isinstance(problem, TemplateError)
    assert (problem.path, problem.line, problem.column) == ("t.yaml", 6, 7)
