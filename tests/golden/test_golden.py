"""Whole runs over the projects in fixtures/: the report is, character by character, the one that was looked at.

`pytest tests/golden --update-golden` rewrites what is expected; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlguard

TOP = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "expected"

PROJECTS = {
    "cloudformation": (1, ("fixtures/cloudformation/workbench.yaml", "fixtures/cloudformation/serving.json")),
    "cloudformation-clean": (0, ("fixtures/cloudformation/clean.yaml", "--region=us-east-1")),
    "terraform-dev": (1, ("fixtures/terraform/dev",)),
    "terraform-prod": (1, ("fixtures/terraform/prod",)),
    "terraform-clean": (0, ("fixtures/terraform/clean",)),
    "cdk-typescript": (1, ("fixtures/cdk/ts-default",)),
    "cdk-python": (1, ("fixtures/cdk/py-default",)),
    "cdk-2.80.0": (1, ("fixtures/cdk/old-2.80.0",)),
    "cdk-2.200.0": (1, ("fixtures/cdk/old-2.200.0",)),
    "plan": (1, ("fixtures/plan/workbench",)),
    "cdktf": (1, ("fixtures/cdktf",)),
    "cdk-app-js": (1, ("fixtures/cdk/apps/js",)),
    "cdk-app-python": (1, ("fixtures/cdk/apps/python",)),
    "platform-cloudformation": (1, ("fixtures/platform/cloudformation/wasteful", "--region=eu-central-1")),
    "platform-terraform": (1, ("fixtures/platform/terraform/wasteful",)),
    "platform-cdk": (1, ("fixtures/platform/cdk/wasteful",)),
}


def scanned(arguments: tuple[str, ...]) -> tuple[int, str]:
    """Give exit code and report of a scan from the top of the project, as a terminal of 100 columns shows it."""
    settings = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "mlguard", "scan", "--no-progress", "--no-config", *arguments]
    run = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, check=False, encoding="utf-8")
    assert not run.stderr
    return run.returncode, run.stdout


def compare(name: str, got: str, *, update: bool) -> None:
    expected = EXPECTED / name
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(got, encoding="utf-8", newline="\n")
    assert got == expected.read_text(encoding="utf-8")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.mark.parametrize("name", PROJECTS)
def test_the_report_of_a_project(name: str, *, update: bool) -> None:
    expected_code, arguments = PROJECTS[name]
    code, report = scanned(arguments)
    compare(f"{name}.txt", report, update=update)
    assert code == expected_code


def test_the_report_for_programs(*, update: bool) -> None:
    code, report = scanned(("--format=json", "fixtures/cdk/old-2.80.0"))
    document = json.loads(report)
    assert document["tool"] == {"name": "mlguard", "version": mlguard.__version__}
    stable = report.replace(f'"version": "{mlguard.__version__}"', '"version": "VERSION"')
    policies = document["provenance"]["policies_hash"]
    assert len(policies) == 64
    compare("cdk-2.80.0.json", stable.replace(policies, "HASH"), update=update)  # every word of a policy is in it
    assert code == 1


@pytest.mark.parametrize("name", [name for name, (code, _) in PROJECTS.items() if code == 0])
def test_what_is_clean_leaves_nothing_open(name: str) -> None:
    _, report = scanned(("--format=json", *PROJECTS[name][1]))
    document = json.loads(report)
    assert document["findings"] == []
    assert document["undecided"] == []
    assert document["problems"] == []
    assert document["counts"]["checks"] > 0


def test_every_format_finds_all_five_themes() -> None:
    """Each format shows storage, idle machines, dear machines and regions, budgets: one sort of waste is too few."""
    every = {"bucket-without-lifecycle", "instance-type-not-allowed", "premium-region", "budget-without-subscribers"}
    for arguments in (("fixtures/cloudformation", "--region=sa-east-1"), ("fixtures/terraform",), ("fixtures/cdk",)):
        document = json.loads(scanned(("--format=json", *arguments))[1])
        found = {finding["policy"] for finding in document["findings"]}
        assert every <= found
        assert found & {"notebook-without-lifecycle-config", "cluster-without-auto-termination"}
