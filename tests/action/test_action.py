"""The composite action: its scripts run as they are, with a GitHub environment that the test makes up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
WORKFLOW = TOP / ".github" / "workflows" / "ci.yml"
TEMPLATE = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n"


def step(name: str) -> dict[str, Any]:
    (found,) = (one for one in STEPS if one.get("name") == name)
    return found


class Runner:
    """A machine of GitHub's, as far as the action can see it: a workspace, and files to write to."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.temporary = folder / "temporary"
        self.summary = folder / "summary.md"
        self.output = folder / "output"
        commands = self.temporary / "mlguard" / "bin"
        for made in (self.workspace, commands):
            made.mkdir(parents=True)
        (commands / "mlguard").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlguard "$@"\n', "utf-8")
        (commands / "mlguard").chmod(0o755)

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script with the given inputs, every other one at its default."""
        values = {key: one.get("default", "") for key, one in ACTION["inputs"].items()}
        values |= {key.replace("_", "-"): value for key, value in inputs.items()}
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
        }
        for variable, written in step(name)["env"].items():
            used = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", written)
            environment[variable] = values[used[1]] if used else str(TOP)
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]]
        return subprocess.run(command, cwd=self.workspace, env=environment, capture_output=True, text=True, check=False)

    def outputs(self) -> dict[str, str]:
        """Give what the steps have written for the steps after them."""
        return dict(line.split("=", 1) for line in self.output.read_text("utf-8").splitlines())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_finding_is_annotated_summed_up_and_written_as_sarif(runner: Runner) -> None:
    (runner.workspace / "template.yaml").write_text(TEMPLATE, "utf-8")
    run = runner.run("Scan")
    assert run.returncode == 1, run.stderr
    assert re.search(r"^::(error|warning) file=template\.yaml,line=2,", run.stdout, re.MULTILINE)
    assert "bucket-without-lifecycle" in runner.summary.read_text("utf-8")
    outputs = runner.outputs()
    assert outputs["exit-code"] == "1"
    assert outputs["findings"] == "1"
    sarif = json.loads(Path(outputs["sarif-file"]).read_text("utf-8"))
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["bucket-without-lifecycle"]


def test_nothing_fails_when_it_is_not_to(runner: Runner) -> None:
    (runner.workspace / "template.yaml").write_text(TEMPLATE, "utf-8")
    run = runner.run("Scan", fail_on="never")
    assert run.returncode == 0, run.stderr
    assert runner.outputs()["findings"] == "1"


def test_a_run_that_cannot_be_trusted_fails_the_job(runner: Runner) -> None:
    (runner.workspace / "template.yaml").write_text(f"{TEMPLATE}  More: {{Type: [\n", "utf-8")
    run = runner.run("Scan")
    assert run.returncode == 2
    assert runner.outputs()["exit-code"] == "2"


@pytest.mark.parametrize("hostile", ["$(touch pwned)`touch pwned`\n; touch pwned #", "--output=pwned"])
@pytest.mark.parametrize("name", ["path", "environment", "region", "config", "fail_on"])
def test_an_input_is_never_run_and_never_an_option(runner: Runner, name: str, hostile: str) -> None:
    (runner.workspace / "template.yaml").write_text(TEMPLATE, "utf-8")
    runner.run("Scan", **{name: hostile})
    assert sorted(path.name for path in runner.workspace.iterdir()) == ["template.yaml"]
    assert set(runner.outputs()) == {"findings", "sarif-file", "exit-code"}


@pytest.mark.parametrize(
    "version", ["$(touch pwned)", "1.0 --index-url=https://evil.example", "1.0; touch pwned", "-r x"]
)
def test_a_version_is_a_version(runner: Runner, version: str) -> None:
    run = runner.run("Install mlguard", version=version)
    assert run.returncode == 2
    assert "not a version number" in run.stdout
    assert list(runner.workspace.iterdir()) == []


def test_inputs_reach_scripts_only_through_the_environment() -> None:
    assert STEPS
    assert [one["run"] for one in STEPS if "${{" in one.get("run", "")] == []


@pytest.mark.parametrize("path", [TOP / "action.yml", WORKFLOW], ids=lambda path: path.name)
def test_actions_of_others_are_pinned(path: Path) -> None:
    used = re.findall(r"^\s*-? ?uses: (\S+)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for name, comment in used:
        assert name == "./" or (re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) and re.match(r" # v\d", comment)), name


def test_the_workflow_may_only_read() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        for one in job["steps"]:
            assert "${{" not in one.get("run", "")
            if one.get("uses", "").startswith("actions/checkout@"):
                assert one["with"]["persist-credentials"] is False
