"""What several folders of tests share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
_EVALUATOR = Path(__file__).resolve().parent / "guardrail" / "evaluator"
_INSTALLED = _EVALUATOR / "node_modules" / ".package-lock.json"
_LOCK = _EVALUATOR / "node_modules.lock"
_PATIENCE = 300


def _run(arguments: list[str], text: str = "") -> str:
    if shutil.which(arguments[0]) is None:
        pytest.fail(f"the tests of guardrails need Node.js 20 or later: {arguments[0]} is not on the path")
    done = subprocess.run(
        arguments, cwd=_EVALUATOR, input=text, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=False
    )
    if done.returncode:
        pytest.fail(f"{' '.join(arguments)} in {_EVALUATOR} failed:\n{done.stderr}")
    return done.stdout


def _install() -> None:
    """Install the evaluator once; of several processes one installs and the others wait for it."""
    deadline = time.monotonic() + _PATIENCE
    while not _INSTALLED.is_file():
        try:
            os.close(os.open(_LOCK, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            if time.monotonic() > deadline:
                pytest.fail(f"another run holds {_LOCK} for too long: remove it")
            time.sleep(0.2)
            continue
        try:
            if not _INSTALLED.is_file():
                _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        finally:
            _LOCK.unlink()


@pytest.fixture(scope="session")
def scp_evaluator() -> Evaluate:
    """Give `evaluate(scps, requests)`: the decision by request id, `allowed` or `denied`, of an independent evaluator.

    A request has `id`, `action` and, where the defaults do not do, `principal`, `resource` or `resourceType`, and
    `context`. Fails where the evaluator refuses an SCP or a request, or AWS does not send a context key for the action.
    """
    _install()

    def evaluate(scps: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        answer = json.loads(_run(["node", "evaluate.mjs"], json.dumps({"scps": scps, "requests": requests})))
        decisions = {one["id"]: one for one in answer["decisions"]}
        assert not answer["faults"], answer["faults"]
        assert len(decisions) == len(requests), "the ids of the requests are not unique"
        wrong = [one for one in decisions.values() if one["decision"] == "error" or one["ignored"]]
        assert not wrong, wrong
        return {name: one["decision"] for name, one in decisions.items()}

    return evaluate
