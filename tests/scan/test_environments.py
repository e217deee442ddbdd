"""One root or template, deployed to several environments: each is a scan of its own, and a mistake is told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli.main import main

Report = dict[str, Any]
Run = Callable[..., Report]

ROOT = """
variable "type" {
  type    = string
  default = "ml.t3.medium"
}
resource "aws_sagemaker_notebook_instance" "lab" {
  instance_type         = var.type
  lifecycle_config_name = "auto-stop"
}
"""
CONFIGURATION = """
select: [premium-accelerator-in-nonproduction, instance-type-not-allowed, premium-region]
environments:
  production:
    var_files: [deploy/production.tfvars]
    region: sa-east-1
  sandbox:
    var_files: [./sandbox.tfvars]
    region: us-east-1
"""
FILES = {
    ".mlguard.yaml": CONFIGURATION,
    "app/main.tf": ROOT,
    "app/sandbox.tfvars": 'type = "ml.p4d.24xlarge"\n',
    "deploy/production.tfvars": '\ntype = "ml.g5.12xlarge"\n',
    "other/main.tf": 'resource "aws_sagemaker_notebook_instance" "small" {\n  instance_type = "ml.p5.48xlarge"\n}\n',
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that writes files and scans them as a user does."""
    monkeypatch.chdir(tmp_path)

    def scan(files: dict[str, str], *arguments: str) -> Report:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        main(["scan", "--format", "json", "--no-progress", *arguments])
        report: Report = json.loads(capsys.readouterr().out)
        return report

    return scan


def told(report: Report) -> list[tuple[str, str, str, str]]:
    return [(one["policy"], one["project"], one["environment"], one["when"]) for one in report["findings"]]


def test_each_environment_is_a_scan_of_the_root_with_its_own_values(run: Run) -> None:
    report = run(FILES)
    assert told(report) == [
        ("instance-type-not-allowed", "app", "production", "environment = production"),
        ("premium-accelerator-in-nonproduction", "app", "sandbox", "environment = sandbox"),
        ("premium-region", "app", "production", "environment = production"),
        ("premium-accelerator-in-nonproduction", "other", "sandbox", ""),
    ]
    assert (report["problems"], report["counts"]["projects"], report["counts"]["resources"]) == ([], 2, 2)
    origins = [(one["related"][0]["path"], one["related"][0]["line"]) for one in report["findings"][:3]]
    assert origins == [("deploy/production.tfvars", 2), ("app/sandbox.tfvars", 1), ("deploy/production.tfvars", 2)]


def test_one_environment_can_be_asked_for(run: Run) -> None:
    report = run(FILES, "--environment", "production")
    assert {one["environment"] for one in report["findings"]} == {"production"}
    assert {one["project"] for one in report["findings"]} == {"app", "other"}
    assert not any(one["when"] for one in report["findings"])


def test_files_of_the_command_line_replace_those_of_the_environments(run: Run) -> None:
    report = run(FILES, "app", "--var-file", "deploy/production.tfvars")
    assert {(one["environment"], one["when"]) for one in report["findings"]} == {("production", "")}


def test_a_mistake_of_every_environment_is_told_once(run: Run) -> None:
    same = {**FILES, "app/main.tf": ROOT.replace("var.type", '"ml.p5.48xlarge"'), ".mlguard.yaml": CONFIGURATION}
    report = run(same, "--select", "notebook-without-lifecycle-config", "--select", "instance-type-not-allowed", "app")
    assert told(report) == [("instance-type-not-allowed", "app", "production", "environment = production")]
    bare = {"app/main.tf": same["app/main.tf"].replace('  lifecycle_config_name = "auto-stop"\n', "")}
    report = run(bare, "--select", "notebook-without-lifecycle-config", "app")
    assert [(policy, when) for policy, _, _, when in told(report)] == [("notebook-without-lifecycle-config", "")]


def test_an_environment_only_counts_below_its_paths(run: Run) -> None:
    limited = CONFIGURATION.replace("  production:\n", "  production:\n    paths: [elsewhere]\n")
    report = run({**FILES, ".mlguard.yaml": limited}, "app")
    assert {(one["environment"], one["when"]) for one in report["findings"]} == {("sandbox", "")}


def test_a_missing_file_is_told_and_the_root_still_scanned(run: Run) -> None:
    wrong = CONFIGURATION.replace("deploy/production.tfvars", "deploy/prod.tfvars")
    report = run({**FILES, ".mlguard.yaml": wrong})
    assert [(one["path"], one["message"]) for one in report["problems"]] == [("deploy/prod.tfvars", "no such file")]
    assert {one["environment"] for one in report["findings"]} == {"sandbox"}


def test_a_workspace_is_known_in_its_environment(run: Run) -> None:
    text = """
locals {
  types = { default = "ml.t3.medium", prod = "ml.p4d.24xlarge" }
}
resource "aws_sagemaker_notebook_instance" "lab" {
  instance_type = local.types[terraform.workspace]
}
"""
    configuration = "environments:\n  sandbox: {workspace: prod}\n  production: {workspace: default}\n"
    files = {".mlguard.yaml": configuration, "main.tf": text}
    report = run(files, "--select", "premium-accelerator-in-nonproduction")
    assert told(report) == [
        ("premium-accelerator-in-nonproduction", ".", "sandbox", "environment = sandbox"),
    ]
    assert report["undecided"] == []


def test_variables_of_the_process_count_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_type", "ml.p4d.24xlarge")
    monkeypatch.setenv("TF_WORKSPACE", "prod")
    select = ("--select", "premium-accelerator-in-nonproduction", "--environment", "sandbox")
    files = {"main.tf": ROOT}
    assert run(files, *select)["findings"] == []
    (finding,) = run(files, *select, "--env-vars")["findings"]
    assert finding["related"][0]["what"] == "set by TF_VAR_type"
    assert run(files, *select[:2], "--env-vars")["findings"] == []  # the workspace tells that it is production
    files["terraform.tfvars"] = 'type = "ml.t3.large"\n'
    assert run(files, *select, "--env-vars")["findings"] == []  # files win over the process


TEMPLATE = """
Parameters:
  Type: {Type: String}
  Idle: {Type: String, Default: auto-stop}
Resources:
  Lab:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !Ref Type, LifecycleConfigName: !Ref Idle, RoleArn: r}
"""
SIZES = {
    ".mlguard.yaml": """
environments:
  production: {parameter_files: [deploy/prod.json, deploy/other.json], region: sa-east-1}
  sandbox: {parameter_files: ["samconfig.toml:dev"], region: us-east-1}
""",
    "lab.yaml": TEMPLATE,
    "deploy/prod.json": '[{"ParameterKey": "Type", "ParameterValue": "ml.g5.12xlarge"}]',
    "deploy/other.json": '[{"ParameterKey": "Another", "ParameterValue": "x"}]',
    "samconfig.toml": '[dev.deploy.parameters]\nparameter_overrides = "Type=ml.p4d.24xlarge"\n',
}


def test_a_template_is_scanned_once_for_each_environment_with_its_parameter_files(run: Run) -> None:
    report = run(SIZES, "--select", "premium-accelerator-in-nonproduction", "--select", "instance-type-not-allowed")
    assert told(report) == [
        ("instance-type-not-allowed", "lab.yaml", "production", "environment = production"),
        ("premium-accelerator-in-nonproduction", "lab.yaml", "sandbox", "environment = sandbox"),
    ]
    assert [one["related"][0]["path"] for one in report["findings"]] == ["deploy/prod.json", "samconfig.toml"]
    amounts = [one["exposure"]["monthly_usd"]["low"] for one in report["findings"]]
    assert amounts == [8797.67, 18433.45]  # each in the region of its environment
    assert (report["problems"], report["undecided"]) == ([], [])


def test_a_parameter_file_of_the_command_line_replaces_those_of_the_environments(run: Run) -> None:
    report = run(SIZES, "lab.yaml", "--parameters", "deploy/prod.json", "--select", "instance-type-not-allowed")
    assert [one["when"] for one in report["findings"]] == [""]


BUDGET = """
resource "aws_budgets_budget" "all" {
  budget_type  = "COST"
  limit_amount = "100"
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
}
"""


@pytest.mark.parametrize(
    ("setting", "asked", "noted"),
    [
        ("", True, "account/main.tf:2: this budget is of another project; `budgets: repository` makes it count"),
        ("budgets: project\n", True, "this budget is of another project"),
        ("budgets: repository\n", False, ""),
        ("budgets: managed_elsewhere\n", False, "budgets are managed elsewhere"),
    ],
)
def test_which_budgets_count_for_a_project(run: Run, setting: str, *, asked: bool, noted: str) -> None:
    files = {".mlguard.yaml": setting, "app/main.tf": ROOT, "account/main.tf": BUDGET}
    report = run(files, "--select", "MLG501")
    assert [one["project"] for one in report["findings"]] == (["app"] if asked else [])
    assert len(report["notes"]) == bool(noted)
    assert all(noted in note for note in report["notes"])


MONITOR = """
resource "aws_ce_anomaly_monitor" "services" {
  name              = "services"
  monitor_type      = "DIMENSIONAL"
  monitor_dimension = "SERVICE"
}
"""


def test_an_anomaly_monitor_counts_as_a_budget_does_and_neither_stands_for_the_other(run: Run) -> None:
    files = {"app/main.tf": ROOT, "account/main.tf": BUDGET + MONITOR}
    asked = run(files, "--select", "MLG506")
    assert [one["project"] for one in asked["findings"]] == ["app"]
    assert asked["notes"] == [
        "account/main.tf:9: this anomaly monitor is of another project; `budgets: repository` makes it count for all"
    ]
    shared = run({**files, ".mlguard.yaml": "budgets: repository\n"}, "--select", "MLG506")
    assert (shared["findings"], shared["notes"]) == ([], [])
    apart = run({"app/main.tf": ROOT, "account/main.tf": BUDGET}, "--select", "MLG506")
    assert (len(apart["findings"]), apart["notes"]) == (1, [])


def test_a_budget_of_the_project_itself_counts(run: Run) -> None:
    assert run({"app/main.tf": ROOT, "app/budget.tf": BUDGET}, "--select", "MLG501")["findings"] == []
