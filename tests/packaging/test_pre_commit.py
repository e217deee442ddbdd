"""The hooks as pre-commit itself installs and runs them, in a repository of somebody else.

pre-commit builds mlguard from a clone of the files as they are now. Its environment borrows the dependencies of this
one through PYTHONPATH, so that nothing is fetched.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SHIPPED = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "checker", "policies")
BUCKET = 'resource "aws_s3_bucket" "data" {\n  bucket = "training-data"\n}\n'
RULE = """
resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = aws_s3_bucket.data.id
  rule {
    id     = "all"
    status = "Enabled"
    expiration {
      days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
"""
TEMPLATE = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n"
LONG = 100


def environment(home: Path) -> dict[str, str]:
    """Give what pre-commit and git are started with: nothing of the user's, and no index of packages."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    who = {f"GIT_{one}_{what}": "ada@example.com" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **kept,
        **who,
        "HOME": str(home),
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PYTHONPATH": str(Path(pytest.__file__).parents[1]),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of a switch that is on by default
        "NO_COLOR": "1",
    }


class Checkout:
    """A repository that uses the hooks."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._environment = environment(home)
        folder.mkdir()
        self.git("init", "--quiet")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it; what it prints is one text."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )

    def git(self, *arguments: str) -> str:
        """Run git, which has to work, and give what it prints."""
        done = self.run("git", "-c", "core.autocrlf=false", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def pre_commit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pre-commit."""
        return self.run(sys.executable, "-m", "pre_commit", *arguments)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8", newline="\n")

    def settled(self, files: dict[str, str]) -> None:
        """Commit files without asking any hook."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--message", "Settle")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def published(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Put what is here now into a repository that others can clone."""
    made = Checkout(tmp_path_factory.mktemp("published") / "mlguard", home)
    for name in SHIPPED:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, made.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(TOP / name, made.folder / name)
    made.settled({})
    return made


@pytest.fixture
def checkout(published: Checkout, home: Path, tmp_path: Path) -> Checkout:
    """Make a repository with two projects that have findings, and the hook installed."""
    made = Checkout(tmp_path / "checkout", home)
    hooks = f"repos:\n- repo: {published.folder.as_posix()}\n  rev: {published.git('rev-parse', 'HEAD')}\n"
    made.settled(
        {
            ".pre-commit-config.yaml": f"{hooks}  hooks:\n  - id: mlguard\n  - id: mlguard-all\n    stages: [manual]\n",
            "other/main.tf": BUCKET,
            "notes.yaml": "just: notes\n",
        }
    )
    assert made.pre_commit("install").returncode == 0
    return made


def test_a_commit_is_refused_for_its_own_projects_only(checkout: Checkout) -> None:
    checkout.write("ml/main.tf", BUCKET)
    checkout.git("add", "--all")
    commit = checkout.run("git", "commit", "--message", "Keep training data")
    assert commit.returncode == 1, commit.stdout
    assert "ml/main.tf:1:1" in commit.stdout
    assert "other" not in commit.stdout
    assert "Traceback" not in commit.stdout

    checkout.write("ml/lifecycle.tf", RULE)
    checkout.git("add", "--all")
    commit = checkout.run("git", "commit", "--message", "Keep training data")
    assert commit.returncode == 0, commit.stdout


def test_a_commit_without_infrastructure_code_passes(checkout: Checkout) -> None:
    checkout.write("notes.yaml", "other: notes\n")
    checkout.write("README.md", "text\n")
    checkout.git("add", "--all")
    commit = checkout.run("git", "commit", "--message", "Write")
    assert commit.returncode == 0, commit.stdout


def test_a_changed_module_pulls_in_the_roots_that_call_it(checkout: Checkout) -> None:
    call = 'module "data" {\n  source = "../modules/data"\n}\n'
    checkout.settled({"live/main.tf": call, "modules/data/main.tf": BUCKET + RULE, "unrelated/main.tf": BUCKET})
    checkout.write("modules/data/main.tf", BUCKET)
    checkout.git("add", "--all")
    run = checkout.pre_commit("run")
    assert run.returncode == 1, run.stdout
    assert "module.data.aws_s3_bucket.data" in run.stdout
    assert "called here: live/main.tf:1:1" in run.stdout
    assert "unrelated" not in run.stdout


NAMES = ["with space.tf", "two  spaces/$(touch pwned)/`x`.tf", "--fail-on=never.tf", "-x.tf", "quote'\".tf", "ünï.tf"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
def test_odd_file_names_are_file_names(checkout: Checkout) -> None:
    names = [*NAMES, "new\nline.tf"]
    for number, name in enumerate(names):
        checkout.write(name, BUCKET.replace('"data"', f'"b{number}"'))
    checkout.git("add", "--all")
    run = checkout.pre_commit("run")
    assert run.returncode == 1, run.stdout
    for number, name in enumerate(names):
        shown = name.replace("\n", "\\n")
        assert f"{shown}:1:1" in run.stdout
        assert f"aws_s3_bucket.b{number} " in run.stdout
    assert not list(checkout.folder.rglob("pwned"))


def test_a_renamed_file_is_checked_where_it_is_now(checkout: Checkout) -> None:
    (checkout.folder / "new").mkdir()
    checkout.git("mv", "other/main.tf", "new/main.tf")
    run = checkout.pre_commit("run")
    assert run.returncode == 1, run.stdout
    assert "new/main.tf:1:1" in run.stdout
    assert "other" not in run.stdout


def test_a_long_list_is_checked_in_batches(checkout: Checkout) -> None:
    """2,000 long names do not fit into one command; what is in the first and in the last batch is found."""
    for number in range(2_000):
        checkout.write(f"notes/{number:04}{'x' * LONG}.yaml", "a: 1\n")
    checkout.write("a/main.tf", BUCKET)
    checkout.write("zz/template.yaml", TEMPLATE)
    checkout.git("add", "--all")
    run = checkout.pre_commit("run", "mlguard")
    assert run.returncode == 1, run.stdout
    assert run.stdout.count("a/main.tf:1:1") == 1
    assert run.stdout.count("zz/template.yaml:2:3") == 1
    assert "other" not in run.stdout


def test_the_whole_repository_is_checked_by_the_other_hook(checkout: Checkout) -> None:
    run = checkout.pre_commit("run", "mlguard-all", "--hook-stage", "manual")
    assert run.returncode == 1, run.stdout
    assert "other/main.tf:1:1" in run.stdout


def test_a_repository_can_be_tried(published: Checkout, home: Path, tmp_path: Path) -> None:
    made = Checkout(tmp_path / "tried", home)
    made.settled({"main.tf": BUCKET})
    run = made.pre_commit("try-repo", str(published.folder), "mlguard", "--all-files")
    assert run.returncode == 1, run.stdout
    assert "main.tf:1:1" in run.stdout


def test_a_local_hook_needs_no_clone(home: Path, tmp_path: Path) -> None:
    made = Checkout(tmp_path / "local", home)
    hook = {
        "id": "mlguard",
        "name": "mlguard",
        "entry": f"{shlex.quote(Path(sys.executable).as_posix())} -m mlguard hook",
        "language": "system",
        "files": r"\.tf$",
        "require_serial": True,
    }
    configuration = {"repos": [{"repo": "local", "hooks": [hook]}]}
    made.settled({".pre-commit-config.yaml": json.dumps(configuration), "a.tf": BUCKET})
    run = made.pre_commit("run", "--all-files")
    assert run.returncode == 1, run.stdout
    assert "a.tf:1:1" in run.stdout
