"""The workflows of this project and its action: linted, pinned, and with no more rights than they need."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
ACTION = TOP / "action.yml"
MAY_WRITE = {"release.yml": {"id-token", "attestations"}}
STRICT = "permissions: {}\n\nconcurrency:\n  group: x\n  cancel-in-progress: true\n\n"
JOB = "on: push\nname: x\n%sjobs:\n  a:\n    name: a\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n"


def named(path: Path) -> str:
    return path.name


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def test_linters_find_nothing(lint_workflows: Callable[[Path], str], tmp_path: Path) -> None:
    shutil.copytree(TOP / ".github", tmp_path / ".github")
    shutil.copy(ACTION, tmp_path)
    shutil.copy(TOP / ".pre-commit-hooks.yaml", tmp_path)
    assert lint_workflows(tmp_path) == ""


def test_linters_would_find_something(lint_workflows: Callable[[Path], str], tmp_path: Path) -> None:
    wrong = {
        'unexpected key "runs"': JOB % STRICT + "      - runs: x\n",
        "template-injection": JOB % STRICT + "      - run: echo ${{ github.event.issue.title }}\n",
        "excessive-permissions": JOB % "" + "      - run: echo\n",
        "unpinned-uses": JOB % STRICT + "      - uses: actions/checkout@v4\n",
    }
    (tmp_path / ".github/workflows").mkdir(parents=True)
    for number, text in enumerate(wrong.values()):
        (tmp_path / f".github/workflows/{number}.yml").write_text(text, encoding="utf-8")
    said = lint_workflows(tmp_path)
    assert [name for name in wrong if name not in said] == []


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("github-actions", [ACTION]), ("dependabot", [TOP / ".github/dependabot.yml"])],
)
def test_the_schemas_of_github_hold(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", f"--builtin-schema=vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=named)
def test_actions_of_others_are_pinned_alike(path: Path) -> None:
    everywhere = "".join(one.read_text(encoding="utf-8") for one in [ACTION, *WORKFLOWS])
    used = re.findall(r"^\s*-? ?uses: (\S+)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for name, comment in used:
        if name != "./":
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name), name
            assert re.match(r" # v\d", comment), name
            assert set(re.findall(rf"{name.split('@')[0]}@([0-9a-f]+)", everywhere)) == {name.split("@")[1]}


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_jobs_have_the_least_rights_and_an_end(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 60
        may = {name for name, level in job["permissions"].items() if level != "read"}
        assert may <= MAY_WRITE.get(path.name, set())
        for one in job["steps"]:
            assert "${{" not in one.get("run", "")
            if one.get("uses", "").startswith("actions/checkout@"):
                assert one["with"]["persist-credentials"] is False


def test_every_python_and_platform_is_tested() -> None:
    ci = jobs(TOP / ".github/workflows/ci.yml")
    assert ci["check"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    for job in ("wheel", "action"):
        assert ci[job]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]


def test_nothing_is_published_without_review_and_attestation() -> None:
    release = jobs(TOP / ".github/workflows/release.yml")
    assert release["publish"]["environment"]["name"] == "pypi"
    assert "build" in release["publish"]["needs"]
    used = [one.get("uses", "").split("@")[0] for one in release["publish"]["steps"]]
    assert used.count("actions/attest") == 2
    assert used[-1] == "pypa/gh-action-pypi-publish"
    assert "secrets." not in (TOP / ".github/workflows/release.yml").read_text(encoding="utf-8")
