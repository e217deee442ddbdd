"""Each project is judged by the configuration of its folder, as a user sees it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli.main import main

Run = Callable[..., tuple[int, dict[str, Any]]]
NOTEBOOK = """\
resource "aws_sagemaker_notebook_instance" "n" {
  instance_type         = "ml.p3.2xlarge"
  lifecycle_config_name = "stop"
  tags                  = { stage = "%s" }
}
"""
STACK = """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: ml.p4d.24xlarge, RoleArn: r, LifecycleConfigName: stop}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that writes files and scans them: the exit code, and the report."""
    monkeypatch.chdir(tmp_path)

    def scan(files: Mapping[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        code = main(["scan", "--format", "json", "--no-progress", *arguments])
        printed = capsys.readouterr()
        return code, json.loads(printed.out)

    return scan


def told(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["project"], one["policy"]) for one in report["findings"]}


def test_select_ignore_and_exclude_are_those_of_the_folder(run: Run) -> None:
    files = {
        ".mlguard.yaml": "select: [gpu]\n",
        **{f"{name}/main.tf": NOTEBOOK % "" for name in ("a", "b", "c", "c/old")},
        "b/.mlguard.yaml": "ignore: [instance-type-not-allowed]\n",
        "c/pyproject.toml": '[tool.mlguard]\nselect = ["budgets"]\nexclude = ["old"]\n',
    }
    _, report = run(files)
    by_project = {project: {policy for one, policy in told(report) if one == project} for project in ("a", "b", "c")}
    assert "instance-type-not-allowed" in by_project["a"]
    assert by_project["b"] == by_project["a"] - {"instance-type-not-allowed"}
    assert by_project["c"] == {"ml-project-without-budget", "ml-project-without-anomaly-detection"} & by_project["c"]
    assert by_project["c"]
    assert not any(project == "c/old" for project, _ in told(report))


def test_findings_fail_the_run_from_the_severity_of_their_folder(run: Run) -> None:
    files = {"a/main.tf": NOTEBOOK % "", "a/.mlguard.yaml": "select: [instance-type-not-allowed]\nfail_on: critical\n"}
    code, report = run(files)
    assert (code, len(report["findings"])) == (0, 1)
    assert run({}, "--fail-on", "low")[0] == 1
    code, report = run({"b/main.tf": NOTEBOOK % "", "b/.mlguard.yaml": "select: [instance-type-not-allowed]\n"})
    assert (code, len(report["findings"])) == (1, 2)


def test_parameters_and_regions_are_those_of_the_folder(run: Run) -> None:
    files = {
        ".mlguard.yaml": "select: [instance-type-not-allowed, premium-region]\n",
        "a/main.tf": NOTEBOOK % "",
        "a/.mlguard.yaml": 'region: sa-east-1\nparameters: {allowed_instance_types: {"*": ["ml.p3.*"]}}\n',
        "b/main.tf": NOTEBOOK % "",
        "b/.mlguard.yaml": "region: us-east-1\n",
    }
    assert told(run(files)[1]) == {("a", "premium-region"), ("b", "instance-type-not-allowed")}


def test_a_folder_may_have_policies_of_its_own(run: Run) -> None:
    policy = """\
id: no-notebooks
title: A notebook
severity: high
pack: own
applies_to: sagemaker.notebook_instance
require: {name: {equals: x}}
message: a notebook
why: It costs.
fix_by_hand: {cloudformation: a, terraform: b, cdk: c}
scp: {enforce: none, limits: none}
"""
    files = {
        "a/main.tf": NOTEBOOK % "",
        "a/rules/no-notebooks.yaml": policy,
        "a/.mlguard.yaml": "policies: [rules]\nselect: [own]\n",
        "b/main.tf": NOTEBOOK % "",
    }
    _, report = run(files)
    assert {project for project, policy in told(report) if policy == "no-notebooks"} == {"a"}
    assert {policy for project, policy in told(report) if project == "a"} == {"no-notebooks"}
    assert "no-notebooks" in {one["id"] for one in report["policies"]}


ENVIRONMENTS = """\
select: [instance-type-not-allowed, premium-accelerator-in-nonproduction]
environments:
  production:
    stacks: ["shop-*"]
    workspace: live
    tags: {stage: ["p*"]}
"""


@pytest.mark.parametrize(("tag", "environment"), [("prd", "production"), ("q", "sandbox")])
def test_a_tag_tells_the_environment(run: Run, tag: str, environment: str) -> None:
    _, report = run({".mlguard.yaml": ENVIRONMENTS, "a/main.tf": NOTEBOOK % tag})
    assert {one["environment"] for one in report["findings"]} == {environment}


@pytest.mark.parametrize(("stack", "finds"), [("shop-eu", False), ("lab-eu", True)])
def test_a_stack_name_tells_the_environment(run: Run, stack: str, finds: bool) -> None:  # noqa: FBT001
    samconfig = f'version = 0.1\n[default.deploy.parameters]\nstack_name = "{stack}"\ntemplate_file = "stack.yaml"\n'
    files = {".mlguard.yaml": ENVIRONMENTS, "stack.yaml": STACK, "samconfig.toml": samconfig}
    _, report = run(files, "--parameters", "samconfig.toml")
    assert ("premium-accelerator-in-nonproduction" in {policy for _, policy in told(report)}) is finds


@pytest.mark.parametrize(("workspace", "environment"), [("live", "production"), ("other", "sandbox")])
def test_a_workspace_tells_the_environment(
    run: Run, workspace: str, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_WORKSPACE", workspace)
    _, report = run({".mlguard.yaml": ENVIRONMENTS, "a/main.tf": NOTEBOOK % "q"}, "--env-vars")
    assert {one["environment"] for one in report["findings"]} == {environment}


def test_the_environment_of_a_folder_is_what_nothing_else_tells(run: Run) -> None:
    files = {
        ".mlguard.yaml": ENVIRONMENTS,
        "a/.mlguard.yaml": "environment: training\n",
        "a/x/main.tf": NOTEBOOK % "q",
        "a/y/main.tf": NOTEBOOK % "prd",
        "a/dev/main.tf": NOTEBOOK % "q",
    }
    _, report = run(files)
    told_by = {one["project"]: one["environment"] for one in report["findings"]}
    assert told_by == {"a/x": "training", "a/y": "production", "a/dev": "sandbox"}


def test_a_configuration_on_the_command_line_stands_for_all_folders(run: Run) -> None:
    files = {
        "a/main.tf": NOTEBOOK % "",
        "a/.mlguard.yaml": "select: [budgets]\n",
        "trusted.yaml": "select: [instance-type-not-allowed]\n",
    }
    assert {policy for _, policy in told(run(files, "--config", "trusted.yaml")[1])} == {"instance-type-not-allowed"}
    assert len({policy for _, policy in told(run({}, "--no-config")[1])}) > 2
