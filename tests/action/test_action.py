"""The composite action: its steps run as they are, with a GitHub environment that the test makes up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
TEMPLATE = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n"
BUCKET = 'resource "aws_s3_bucket" "%s" {\n  bucket = "training-data"\n}\n'
DEAR = 'resource "aws_sagemaker_notebook_instance" "%s" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'
TOKEN = "ghs_secret"  # noqa: S105  (of nobody)
GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$GH_LOG"
case "$*" in
*--paginate*) cat "$GH_COMMENTS" 2>/dev/null || exit 1 ;;
*) for word; do case "$word" in body=@*) cp "${word#body=@}" "$GH_BODY" ;; esac; done ;;
esac
"""


class Runner:
    """A machine of GitHub's, as far as the action can see it: a workspace, files to write to, an event, and `gh`."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.temporary = folder / "temporary"
        self.summary = folder / "summary.md"
        self.output = folder / "output"
        self.gh = {name: folder / f"gh-{name.lower()}" for name in ("LOG", "COMMENTS", "BODY")}
        self.github: dict[str, Any] = {"action_path": str(TOP), "token": TOKEN, "event": {}, "event_name": "push"}
        self.log = ""
        self.ended: dict[str, int] = {}
        self._outputs: dict[str, dict[str, str]] = {"python": {"python-path": sys.executable}}
        self._tools = folder / "tools"
        commands = self.temporary / "mlguard" / "bin"
        for made in (self.workspace, commands, self._tools):
            made.mkdir(parents=True)
        self._script(commands / "mlguard", f'#!/bin/sh\nexec "{sys.executable}" -m mlguard "$@"\n')
        self._script(commands / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self._script(self._tools / "gh", GH)

    def _script(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the workspace."""
        for name, text in files.items():
            (self.workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (self.workspace / name).write_text(text, "utf-8")

    def git(self, *arguments: str) -> str:
        """Run git in the workspace."""
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=self.workspace, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit all of the workspace, and give the id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")
        return self.git("rev-parse", "HEAD")

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script with the given inputs, every other one at its default."""
        (step,) = (one for one in STEPS if one["name"] == name)
        values = {key: self._text(one.get("default", ""), {}) for key, one in ACTION["inputs"].items()}
        values |= {key.replace("_", "-"): value for key, value in inputs.items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command,
            cwd=self.workspace,
            env=self._environment() | {key: self._text(text, values) for key, text in step["env"].items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self.log += done.stdout
        self.ended[name] = done.returncode
        if "id" in step and self.output.exists():
            self._outputs[step["id"]] = self.outputs()
        return done

    def scan(self, **inputs: str) -> int:
        """Run the steps from the scan to the verdict, and give how the job ends."""
        assert self.run("Scan", **inputs).returncode == 0, self.log
        if inputs.get("comment") == "true" and self.github["event"].get("pull_request"):
            assert self.run("Comment", **inputs).returncode == 0, self.log
        return self.run("Verdict", **inputs).returncode

    def outputs(self) -> dict[str, str]:
        """Give what the steps have written for the steps after them."""
        return dict(line.split("=", 1) for line in self.output.read_text("utf-8").splitlines())

    def annotations(self) -> list[str]:
        """Give the workflow commands of the log."""
        return re.findall(r"^::.*$", self.log, re.MULTILINE)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PYTHONPATH", "SYSTEMROOT") if name in os.environ}
        return kept | {
            "PATH": f"{self._tools}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.github["event_name"],
            "GITHUB_REPOSITORY": "ml/platform",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            **{f"GH_{name}": str(path) for name, path in self.gh.items()},
        }

    def _text(self, written: str, inputs: Mapping[str, str]) -> str:
        """Fill in the expressions of a text; `||` is the only operator that the action uses in them."""
        scope = {
            "inputs": inputs,
            "github": self.github,
            "steps": {name: {"outputs": one} for name, one in self._outputs.items()},
        }

        def value(path: str) -> str:
            found: Any = scope
            for part in path.split("."):
                found = found.get(part, {}) if isinstance(found, Mapping) else {}
            return "" if found == {} else str(found)

        def filled(match: re.Match[str]) -> str:
            return next((found for part in match[1].split("||") if (found := value(part.strip()))), "")

        return re.sub(r"\$\{\{ (.*?) \}\}", filled, written)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def pull_request(runner: Runner) -> Runner:
    """Give a workspace that is the checkout of a pull request from a fork, of a base with one known finding."""
    runner.git("init", "--quiet", "--initial-branch=main")
    runner.write({"main.tf": BUCKET % "known", ".mlguard.yaml": "fail_on: low\n"})
    base = runner.commit()
    runner.github |= {
        "event_name": "pull_request",
        "event": {"pull_request": {"number": 7, "base": {"sha": base}, "head": {"repo": {"fork": True}}}},
    }
    return runner


def test_a_finding_is_annotated_summed_up_and_written_as_sarif(runner: Runner) -> None:
    runner.write({"template.yaml": TEMPLATE})
    assert runner.scan() == 1
    assert re.search(r"^::(error|warning) file=template\.yaml,line=2,", runner.log, re.MULTILINE)
    assert "bucket-without-lifecycle" in runner.summary.read_text("utf-8")
    outputs = runner.outputs()
    assert outputs["exit-code"] == "1"
    assert outputs["findings"] == "1"
    assert outputs["monthly-exposure"] == ""
    sarif = json.loads(Path(outputs["sarif-file"]).read_text("utf-8"))
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["bucket-without-lifecycle"]


def test_the_money_at_stake_is_an_output(runner: Runner) -> None:
    runner.write({"main.tf": DEAR % "one"})
    assert runner.scan(region="us-east-1") == 1
    assert float(runner.outputs()["monthly-exposure"]) > 1_000


def test_the_worst_findings_are_annotated_and_the_others_counted(runner: Runner) -> None:
    buckets = "".join(BUCKET % f"b{number}" for number in range(12))
    runner.write({"a.tf": buckets + DEAR % "dear"})
    assert runner.scan() == 1
    errors = [one for one in runner.annotations() if one.startswith("::error ")]
    assert len(errors) == 10
    assert "title=critical" in errors[0]
    assert re.search(r"\d+ more errors not annotated", runner.log)


def test_only_severe_findings_are_reported_on_request(runner: Runner) -> None:
    runner.write({"template.yaml": TEMPLATE})
    assert runner.scan(min_severity="critical") == 0
    assert runner.outputs()["findings"] == "0"
    assert not [one for one in runner.annotations() if "file=" in one]


def test_nothing_fails_when_it_is_not_to(runner: Runner) -> None:
    runner.write({"template.yaml": TEMPLATE})
    assert runner.scan(fail_on="never") == 0
    assert runner.outputs()["findings"] == "1"


def test_several_paths_are_scanned(runner: Runner) -> None:
    runner.write({"a/template.yaml": TEMPLATE, "b c/template.yaml": TEMPLATE, "d/template.yaml": TEMPLATE})
    assert runner.scan(path="a\nb c\n") == 1
    assert runner.outputs()["findings"] == "2"


def test_a_run_that_cannot_be_trusted_fails_the_job(runner: Runner) -> None:
    runner.write({"template.yaml": f"{TEMPLATE}  More: {{Type: [\n"})
    assert runner.scan() == 2
    assert runner.outputs()["exit-code"] == "2"


def test_what_mlguard_complains_of_is_annotated(runner: Runner) -> None:
    runner.write({".mlguard.yaml": "fail_onn: low\n", "template.yaml": TEMPLATE})
    assert runner.scan() == 2
    (said,) = (one for one in runner.annotations() if "title=mlguard::" in one)
    assert said.startswith("::error title=mlguard::mlguard: .mlguard.yaml:1")
    assert set(runner.outputs()) == {"exit-code"}


@pytest.mark.parametrize("hostile", ["$(touch pwned)`touch pwned`\n; touch pwned #", "--output=pwned"])
@pytest.mark.parametrize(
    "name", ["path", "environment", "region", "config", "fail_on", "config_ref", "diff_base", "baseline", "new_ignores"]
)
def test_an_input_is_never_run_and_never_an_option(runner: Runner, name: str, hostile: str) -> None:
    runner.write({"template.yaml": TEMPLATE})
    runner.scan(**{name: hostile})
    assert sorted(path.name for path in runner.workspace.iterdir()) == ["template.yaml"]
    assert "exit-code" in runner.outputs()


@pytest.mark.parametrize("name", ["json", "pip", "venv", "mlguard", "sitecustomize", "yaml", "argparse"])
def test_code_in_the_workspace_is_not_imported(runner: Runner, name: str) -> None:
    runner.write({"template.yaml": TEMPLATE, f"{name}.py": "open('pwned', 'w').close()\n"})
    runner.write({f"{name}.pth": "import os; open('pwned', 'w').close()\n"})
    script = (TOP / "action" / "install.sh").read_text(encoding="utf-8")
    assert all(" -I -m " in line for line in re.findall(r"^.*(?:/python|_PYTHON)\".*$", script, re.MULTILINE))
    commands = runner.temporary / "mlguard" / "bin"
    start = f"import sys; sys.path.insert(0, '{TOP}/checker'); from mlguard.cli import main; sys.exit(main())"
    entry = f'#!/bin/sh\nexec "{sys.executable}" -I -c "{start}" "$@"\n'  # as the command of a wheel starts
    (commands / "mlguard").write_text(entry, "utf-8")
    runner.scan()
    assert not list(runner.workspace.rglob("pwned"))


@pytest.mark.parametrize(
    "version", ["$(touch pwned)", "1.0 --index-url=https://evil.example", "1.0; touch pwned", "-r x", "--pre"]
)
def test_a_version_is_a_version(runner: Runner, version: str) -> None:
    run = runner.run("Install mlguard", version=version)
    assert run.returncode == 2
    assert "not a version number" in run.stdout
    assert list(runner.workspace.iterdir()) == []


# Pull requests


def test_only_what_the_pull_request_brings_counts(pull_request: Runner) -> None:
    pull_request.commit()
    assert pull_request.scan() == 0, pull_request.log
    pull_request.write({"more.tf": BUCKET % "new"})
    pull_request.commit()
    assert pull_request.scan() == 1, pull_request.log
    assert [one for one in pull_request.annotations() if "file=main.tf" in one and one.startswith("::error")] == []
    assert [one for one in pull_request.annotations() if "file=more.tf" in one]


@pytest.mark.parametrize(
    "change",
    [
        {".mlguard.yaml": "fail_on: critical\nignore: ['*']\nexclude: ['**']\n"},
        {"pyproject.toml": '[tool.mlguard]\nignore = ["*"]\n'},
        {"new/.mlguard.yaml": "root: true\nignore: ['*']\n"},
        {"new/main.tf": "# mlguard: ignore[bucket-without-lifecycle] trust me\n" + BUCKET % "new"},
        {".gitignore": "new/\n*.tf\n"},
    ],
    ids=",".join,
)
def test_a_pull_request_cannot_switch_its_check_off(pull_request: Runner, change: dict[str, str]) -> None:
    pull_request.write({"new/main.tf": BUCKET % "new"} | change)
    pull_request.git("add", "--all", "--force")
    pull_request.commit()
    assert pull_request.scan() in (1, 2), pull_request.log


def test_hostile_names_of_a_pull_request_command_nothing(pull_request: Runner) -> None:
    names = ["a\n::error file=app.py,line=1::pwned/main.tf", "$(touch pwned)/main.tf", "--fail-on=never/main.tf"]
    pull_request.write({name: BUCKET % f"n{number}" for number, name in enumerate(names)})
    pull_request.commit()
    assert pull_request.scan() == 1, pull_request.log
    assert not [one for one in pull_request.annotations() if one.startswith("::error file=app.py")]
    assert not list(pull_request.workspace.rglob("pwned"))


def test_a_base_that_was_not_fetched_is_told(pull_request: Runner) -> None:
    pull_request.github["event"]["pull_request"]["base"]["sha"] = "1" * 40
    assert pull_request.scan() == 2
    (said,) = (one for one in pull_request.annotations() if one.startswith("::error title=mlguard::"))
    assert "fetch-depth: 0" in said


def test_the_comparison_can_be_switched_off(pull_request: Runner) -> None:
    pull_request.commit()
    assert pull_request.scan(diff_base="none", config_ref="none") == 1


def test_a_comment_is_made_once_and_then_updated(pull_request: Runner) -> None:
    pull_request.write({"more.tf": BUCKET % "new"})
    pull_request.commit()
    pull_request.gh["COMMENTS"].write_text("", "utf-8")
    assert pull_request.scan(comment="true") == 1
    assert "--method POST repos/ml/platform/issues/7/comments" in pull_request.gh["LOG"].read_text("utf-8")
    assert pull_request.gh["BODY"].read_text("utf-8").startswith("<!-- mlguard -->\n## mlguard")
    pull_request.gh["COMMENTS"].write_text("12\n34\n", "utf-8")
    assert pull_request.scan(comment="true") == 1
    assert "--method PATCH repos/ml/platform/issues/comments/12" in pull_request.gh["LOG"].read_text("utf-8")
    assert TOKEN not in pull_request.log + pull_request.gh["LOG"].read_text("utf-8")


def test_nothing_to_say_makes_no_comment(pull_request: Runner) -> None:
    pull_request.commit()
    pull_request.gh["COMMENTS"].write_text("", "utf-8")
    assert pull_request.scan(comment="true") == 0
    assert "--method" not in pull_request.gh["LOG"].read_text("utf-8")


def test_a_token_that_may_only_read_still_gives_summary_and_annotations(pull_request: Runner) -> None:
    pull_request.write({"more.tf": BUCKET % "new"})
    pull_request.commit()
    assert pull_request.scan(comment="true") == 1  # `gh` fails: there is no list of comments
    assert "::notice title=mlguard::no comment" in pull_request.log
    assert [one for one in pull_request.annotations() if "file=more.tf" in one]
    assert "bucket-without-lifecycle" in pull_request.summary.read_text("utf-8")


def test_reports_of_forks_are_not_uploaded() -> None:
    (upload,) = (one for one in STEPS if one.get("uses", "").startswith("github/codeql-action/upload-sarif@"))
    assert "!github.event.pull_request.head.repo.fork" in upload["if"]
    assert upload["with"]["sarif_file"] == "${{ steps.scan.outputs.sarif-file }}"


def test_inputs_reach_scripts_only_through_the_environment() -> None:
    assert STEPS
    assert [one["run"] for one in STEPS if "${{" in one.get("run", "")] == []
