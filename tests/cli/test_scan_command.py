"""What a user of `mlguard scan` and `mlguard hook` meets: exit codes, choices, ignores, outputs."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.cli import main

DEAR = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.p4d.24xlarge"%s\n}\n'
CHEAP = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.t3.medium"\n}\n'
TEMPLATE = "Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties:\n      InstanceType: %s\n"
PREMIUM = "premium-accelerator-in-nonproduction"
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture(autouse=True)
def _no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Give a function that writes the files of a repository and goes into it."""

    def run(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (tmp_path / ".git").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return run


def scan(*arguments: str) -> int:
    return main(["scan", "--no-progress", *arguments])


@pytest.mark.parametrize(
    ("files", "arguments", "wanted"),
    [
        ({"main.tf": CHEAP}, ["--select", PREMIUM], 0),
        ({"main.tf": DEAR % ""}, ["--select", PREMIUM], 1),
        ({"main.tf": DEAR % ""}, ["--select", PREMIUM, "--environment", "production"], 0),
        ({"main.tf": DEAR % ""}, ["--select", PREMIUM, "--fail-on", "never"], 0),
        ({"main.tf": DEAR % "", ".mlguard.yaml": "selct: x\n"}, [], 2),
        ({"main.tf": DEAR % "", ".mlguard.yaml": "selct: x\n"}, ["--no-config", "--select", PREMIUM], 1),
        ({"main.tf": "x {\n"}, [], 2),
        ({"main.tf": "x {\n", "b/main.tf": DEAR % ""}, ["--fail-on", "never"], 2),
        ({"a.txt": "x"}, [], 3),
        ({"a.yaml": "kind: Pod\n"}, ["a.yaml"], 3),
        ({"main.tf": DEAR % ""}, ["nowhere"], 2),
        ({"main.tf": DEAR % ""}, ["--select", "no-such-policy"], 2),
        ({"main.tf": DEAR % ""}, ["--format", "klingon"], 2),
        ({"main.tf": DEAR % ""}, ["--environment", "mars"], 2),
        ({"main.tf": DEAR % ""}, ["--policies", "nowhere"], 2),
        ({"main.tf": DEAR % ""}, ["--var", "x"], 2),
        ({"main.tf": DEAR % ""}, ["--var-file", "../x.tfvars"], 2),
        ({"main.tf": DEAR % ""}, ["--config", "nowhere.yaml"], 2),
    ],
)
def test_exit_codes(
    write: Write, capsys: pytest.CaptureFixture[str], files: dict[str, str], arguments: list[str], wanted: int
) -> None:
    write(files)
    assert scan(*arguments) == wanted
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert "fault in mlguard" not in shown.err
    if wanted == 2:
        assert shown.err.startswith("mlguard: ") or "problem" in shown.out


@pytest.mark.parametrize("arguments", [["--nonsense"], [], ["scan", "--fail-on", "sometimes"], ["explain"]])
def test_a_wrong_command_line_is_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: mlguard" in capsys.readouterr().err


