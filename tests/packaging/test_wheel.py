"""The wheel is built once, installed, and used: what people get is what is tested."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from mlguard import compiled
from mlguard.json_form import JsonForm
from mlguard.policy import load as policies
from mlguard.policy import parameters
from mlguard.vocabulary import load as vocabulary

TOP = Path(__file__).parents[2]
PARSERS = ("cfnlint", "hcl2", "lark", "jsonschema")


def built(tree: Path, folder: Path) -> Path:
    """Build without isolation, because hatchling is here and nothing need be fetched."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from the tree as it is."""
    return built(TOP, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh virtual environment that borrows only the dependencies of this one.

    The borrowed folder is on the path without its .pth files, so that the editable project is not seen.
    """
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    fresh = folder / scripts / "python"
    command = [sys.executable, "-m", "pip", "--python", str(fresh), "install", "--quiet", "--no-deps", "--no-index"]
    run = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (site,) = folder.rglob("site-packages")
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n", encoding="utf-8")
    return fresh


def run_in(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)


def loaded(python: Path, folder: Path, statement: str) -> set[str]:
    """Give the parsers that are loaded once a statement has run."""
    program = f"import sys\n{statement}\nprint(*[name for name in {PARSERS!r} if name in sys.modules])"
    run = run_in(folder, python, "-c", program)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines()[-1].split())


def shipped(folder: Path) -> set[str]:
    """Give the files below a folder, without what Python caches."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if not name.endswith((".pyc", ".pyo"))}


def test_the_wheel_holds_what_belongs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    policies = {f"policies/{name}" for name in {*shipped(TOP / "policies"), compiled.FILE_NAME}}
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    package, _, rest = wheel.name.partition("-")
    information = f"{package}-{rest.split('-')[0]}.dist-info"
    wanted = {f"mlguard/{name}" for name in shipped(TOP / "checker" / "mlguard") | policies}
    assert names == wanted | {f"{information}/{name}" for name in about}
    assert "mlguard/py.typed" in names
    assert {f"mlguard/render/assets/report.{kind}" for kind in ("html", "css", "js")} <= names
    assert not [name for name in names if name.endswith((".pth", ".so", ".pyd"))]


def test_two_builds_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Build again from a copy elsewhere, with other times and rights on its files."""
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copyfile(TOP / name, copy / name)
    for name in ("checker", "policies"):
        shutil.copytree(TOP / name, copy / name, copy_function=shutil.copyfile)
    for path in copy.rglob("*.py"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
        path.chmod(0o600)
    assert built(copy, tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_the_compiled_form_of_its_policies(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        content = json.loads(archive.read(f"mlguard/policies/{compiled.FILE_NAME}"))
    assert content == {
        "parameters": JsonForm(parameters.COMPILED).encoded(parameters.bundled_parameters()),
        "policies": JsonForm(policies.COMPILED).encoded(policies.bundled_policies()),
        "vocabulary": JsonForm(vocabulary.COMPILED).encoded(vocabulary.bundled_vocabulary()),
    }


def test_the_command_scans(python: Path, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "data" {\n  bucket = "training-data"\n}\n', "utf-8")
    command = python.with_name("mlguard")
    where = run_in(tmp_path, python, "-c", "import mlguard; print(mlguard.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(python.parents[1])
    run = run_in(tmp_path, command, "scan", "--format=json", "--no-progress", ".")
    assert run.returncode == 1, run.stderr
    findings = json.loads(run.stdout)["findings"]
    assert ("bucket-without-lifecycle", 1) in {(one["policy"], one["line"]) for one in findings}
    page = run_in(tmp_path, command, "scan", "--format=html", "--no-progress", ".")
    assert page.stdout.rstrip().endswith("</html>")


def test_the_command_starts_without_any_parser(python: Path, tmp_path: Path) -> None:
    assert loaded(python, tmp_path, "import mlguard.cli") == set()


def test_cloudformation_needs_no_parser_of_terraform(python: Path, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources:\n  Data:\n    Type: AWS::S3::Bucket\n", "utf-8")
    statement = "from mlguard.cli import main\nassert main(['scan', '--no-progress', '.']) == 1"
    assert loaded(python, tmp_path, statement) == set()


def test_terraform_needs_no_cfn_lint(python: Path, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "data" {\n}\n', "utf-8")
    statement = "from mlguard.cli import main\nassert main(['scan', '--no-progress', '.']) == 1"
    assert not loaded(python, tmp_path, statement) & {"cfnlint", "jsonschema"}
