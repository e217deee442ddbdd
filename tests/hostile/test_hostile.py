"""Every hostile file ends in its class of outcome, and the good files beside it are reported all the same."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

CPU_SECONDS = 20  # twice what is promised: where tests share a core, the same work takes up to twice as long
PATIENCE = 180  # seconds until what does nothing at all is taken to hang
MEMORY = 1 << 30
EXIT = {"SCAN": 1, "DEGRADE": 1, "SKIP": 1, "DIAG": 2, "LIMIT": 2, "REFUSE": 2}
CANARY = 'resource "aws_sagemaker_notebook_instance" "canary" {\n  instance_type = "ml.p3.2xlarge"\n}\n'
CANARY_TEMPLATE = (
    "Resources:\n  Canary:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties: {InstanceType: ml.p3.2xlarge}\n"
)
POLICY = """\
id: dear-notebook
title: A dear notebook
severity: high
pack: test
applies_to: sagemaker.notebook_instance
require: {machines: {every: {type: {in: [ml.t3.*]}, constraint: {in: [none, open, closed, pattern]}}}}
message: "{resource} has {found}"
why: It costs.
fix_by_hand: {cloudformation: a, terraform: b, cdk: c}
scp: {enforce: none, limits: none}
"""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def lay_out(case: Any, folder: Path) -> Path:  # noqa: ANN401  (a case of the module beside this one)
    """Write the case and the canaries; give the folder to scan."""
    root = folder / "repository"
    below = root if case.at_root else root / "hostile"
    below.mkdir(parents=True)
    for name, content in case.files.items():
        path = below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for name, target in case.links.items():
        (below / name).symlink_to(target)
    for name in case.pipes:
        os.mkfifo(below / name)
    for name, text in (("good/main.tf", CANARY), ("good/t.yaml", CANARY_TEMPLATE)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (folder / "policies").mkdir()
    (folder / "policies" / "dear-notebook.yaml").write_text(POLICY)
    return root


def run(root: Path) -> subprocess.CompletedProcess[bytes]:
    """Scan the folder as a user would who judges all policies, those that ship and one of this test."""
    command = [sys.executable, "-P", "-m", "mlguard", "scan", ".", "--no-progress", "--verbose"]
    command += ["--policies", str(root.parent / "policies"), "--select", "all"]
    return subprocess.run(command, cwd=root, capture_output=True, timeout=PATIENCE, check=False, preexec_fn=_limit)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def test_hostile_input_ends_in_its_class(case: Any, tmp_path: Path) -> None:  # noqa: ANN401
    root = lay_out(case, tmp_path)
    done = run(root)
    out, errors = done.stdout.decode(), done.stderr.decode()
    shown = f"{out[-1500:]}\n{errors[-1500:]}"
    assert done.returncode == EXIT[case.outcome], shown
    assert "Traceback" not in errors
    assert "fault in mlguard" not in out + errors
    assert not _CONTROL.search(out.replace("\n", "")), shown
    assert not _CONTROL.search(errors.replace("\n", "")), shown
    assert not any(line.startswith("::") for line in out.split("\n")), shown
    assert "root:" not in out  # the password file of this machine
    assert not list(tmp_path.rglob("pwned"))
    assert case.says in out
    if case.outcome == "REFUSE":
        assert ".mlguard.yaml" in errors
        assert "canary" not in out.lower()
        return
    assert "good/main.tf:2" in out, shown
    assert "good/t.yaml:4" in out, shown
    hostile = [line for line in out.split("\n") if "dear-notebook" in line and "good/" not in line]
    if case.outcome == "SCAN":
        assert hostile, shown
    if case.outcome in ("DIAG", "LIMIT"):
        assert re.search(r"^problem +", out, re.MULTILINE), shown
