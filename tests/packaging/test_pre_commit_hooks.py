"""The hooks that other repositories use: what they match, and that their commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
BUCKET = 'resource "aws_s3_bucket" "data" {\n  bucket = "training-data"\n}\n'


def run(name: str, folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """Run a hook's entry as pre-commit does: in the repository, with file names behind it."""
    entry = shlex.split(HOOKS[name]["entry"])
    assert entry[0] == "mlguard"
    command = [sys.executable, "-m", "mlguard", *entry[1:], *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "main.tf").write_text(BUCKET, "utf-8")
    (tmp_path / "notes.yaml").write_text("just: notes\n", "utf-8")
    return tmp_path


def test_there_are_two_hooks() -> None:
    assert set(HOOKS) == {"mlguard", "mlguard-all"}
    assert all(hook["language"] == "python" for hook in HOOKS.values())


@pytest.mark.parametrize(
    "name", ["a.tf", "a.tofu", "prod.tfvars", "a.tf.json", "a.yaml", "a.yml", "cdk.out/manifest.json", "stack.template"]
)
def test_infrastructure_code_is_passed(name: str) -> None:
    assert re.search(HOOKS["mlguard"]["files"], name)


@pytest.mark.parametrize("name", ["a.py", "a.tf.bak", "template.yaml.md", "a.tfstate"])
def test_other_files_are_not(name: str) -> None:
    assert not re.search(HOOKS["mlguard"]["files"], name)


def test_a_changed_file_with_a_finding_fails_the_commit(repository: Path) -> None:
    ended = run("mlguard", repository, "main.tf")
    assert ended.returncode == 1, ended.stderr
    assert "main.tf:1:1" in ended.stdout


def test_other_files_pass_in_silence(repository: Path) -> None:
    ended = run("mlguard", repository, "notes.yaml")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_file_named_like_an_option_is_a_file(repository: Path) -> None:
    (repository / "--help.tf").write_text(BUCKET.replace("data", "more"), "utf-8")
    ended = run("mlguard", repository, "--help.tf")
    assert ended.returncode == 1, ended.stderr
    assert "--help.tf:1:1" in ended.stdout


def test_the_whole_repository_is_scanned(repository: Path) -> None:
    ended = run("mlguard-all", repository)
    assert ended.returncode == 1, ended.stderr
    assert "main.tf:1:1" in ended.stdout
