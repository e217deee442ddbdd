"""The benchmark scripts run; what they measure is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def run(script: str, *arguments: str | Path) -> str:
    command = [sys.executable, FOLDER / script, "--runs", "1", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rows(table: str) -> list[str]:
    """Give the names of what was measured."""
    names = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    return [name for name in names if name not in ("what", "---")]


def test_terraform(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_model" "m" {\n  name = "x"\n}\n', encoding="utf-8")
    measured = rows(run("terraform.py", tmp_path))
    assert measured == ["mlguard, cold", "mlguard, warm", "hcl2.loads on every file", "git grep -c aws_sagemaker"]


def test_cloudformation(tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text("Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n", encoding="utf-8")
    measured = rows(run("cloudformation.py", "--template", small, "--templates", "2"))
    assert measured == ["mlguard, cold", "mlguard, warm"] * 2


def test_repository(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_model" "m" {\n  name = "x"\n}\n', encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    measured = rows(run("repository.py", tmp_path, "--program", Path(sys.executable).with_name("mlguard")))
    assert measured == ["mlguard, cold", "mlguard, warm", "git grep -c aws_sagemaker"]


def test_growth(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_model" "m" {\n  name = "x"\n}\n', encoding="utf-8")
    command = [sys.executable, str(FOLDER / "growth.py"), "--copies", "1,3", "--jobs", "1,2", str(tmp_path)]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")] == [
        "copies",
        "---:",
        "1",
        "3",
    ]


def test_growth_of_policies(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_model" "m" {\n  name = "x"\n}\n', encoding="utf-8")
    measured = rows(run("growth.py", "--policies", "2,73", tmp_path))
    assert measured == ["policies", "---:", "2", "73"]
