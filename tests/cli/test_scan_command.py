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
from mlguard.render import FORMATS

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


def ids(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[str]:
    """Scan, and give the ids of the policies that found something."""
    capsys.readouterr()
    scan(*arguments)
    return set(re.findall(r"(?m)^\S+:\d+:\d+  \w+  ([a-z0-9-]+)(?:  |$)", capsys.readouterr().out))


def test_policies_are_chosen_by_id_alias_pack_and_wildcard(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": DEAR % ""})
    everything = ids(capsys)
    name = "notebook-without-lifecycle-config"
    assert {PREMIUM, name} <= everything
    assert main(["policies", "--format", "json"]) == 0
    listed = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    (alias,) = listed[name]["aliases"]
    for chosen in (alias, alias.lower(), name, "notebook-without-*"):
        assert ids(capsys, "--select", chosen) == {name}, chosen
    assert name in ids(capsys, "--select", listed[name]["pack"])
    assert ids(capsys, "--ignore", alias) == everything - {name}
    assert ids(capsys, "--select", alias, "--ignore", alias) == set()


def test_the_severity_that_fails(write: Write) -> None:
    write({"main.tf": DEAR % ""})
    select = ("--select", "notebook-without-lifecycle-config")
    assert [scan(*select, "--fail-on", level) for level in ("info", "critical", "never")] == [1, 0, 0]
    write({".mlguard.yaml": "fail_on: critical\n"})
    assert scan(*select) == 0
    assert scan(*select, "--fail-on", "low") == 1


def test_the_severity_that_is_reported(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": DEAR % ""})
    select = ("--select", "notebook-without-lifecycle-config", "--format", "json")
    assert scan(*select, "--min-severity", "low") == 1
    assert not json.loads(capsys.readouterr().out)["notes"]
    assert scan(*select, "--min-severity", "critical") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == []
    assert report["notes"] == ["1 finding below critical left out, as --min-severity asks"]


def test_undecided_checks_fail_on_demand(write: Write) -> None:
    write({"main.tf": 'variable "x" {}\n' + CHEAP.replace('"ml.t3.medium"', "var.x")})
    assert scan("--select", PREMIUM) == 0
    assert scan("--select", PREMIUM, "--unknown", "fail") == 1
    assert scan("--select", PREMIUM, "--unknown", "fail", "--var", "x=ml.t3.medium") == 0
    assert scan("--select", PREMIUM, "--var", "x=ml.p4d.24xlarge") == 1


@pytest.mark.parametrize(
    ("comment", "code", "note"),
    [
        (f" # mlguard: ignore[{PREMIUM}] approved", 0, ""),
        (f" // mlguard: ignore[{PREMIUM}] approved", 0, ""),
        (f" # mlguard: ignore[{PREMIUM}] approved -- until 2999-01-01", 0, ""),
        (f" # mlguard: ignore[{PREMIUM}] approved -- until 2001-01-01", 1, "has expired on 2001-01-01"),
        (f" # mlguard: ignore[{PREMIUM}] approved -- until 2001-02-31", 1, 'no such day "2001-02-31"'),
        (f" # mlguard: ignore[{PREMIUM}]", 1, "has no reason"),
        (" # mlguard: ignore[no-such-policy] approved", 1, 'names "no-such-policy", which is no policy'),
        (" # mlguard: ignore[bucket-without-lifecycle] approved", 1, ""),
    ],
)
def test_inline_ignores(write: Write, capsys: pytest.CaptureFixture[str], comment: str, code: int, note: str) -> None:
    write({"main.tf": DEAR % comment})
    assert scan("--select", PREMIUM) == code
    shown = capsys.readouterr().out
    assert note in " ".join(shown.split())
    if not note:
        assert "which is no policy" not in shown


def test_an_ignore_that_ignores_nothing_is_said(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": CHEAP + f"# mlguard: ignore[{PREMIUM}] no longer\n" + "locals {}\n"})
    assert scan("--select", PREMIUM) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f'main.tf:4:1 info suppression-unused this ignore of "{PREMIUM}" hides no finding: remove it' in shown


def test_an_ignore_above_the_line_and_above_the_block(write: Write) -> None:
    comment = f"# mlguard: ignore[{PREMIUM}] approved\n"
    lines = (DEAR % "").split("\n")
    write({"main.tf": comment + DEAR % ""})
    assert scan("--select", PREMIUM) == 0
    write({"main.tf": "\n".join([lines[0], f"  {comment}{lines[1]}", *lines[2:]])})
    assert scan("--select", PREMIUM) == 0
    write({"main.tf": comment + CHEAP.replace('"nb"', '"other"') + DEAR % ""})
    assert scan("--select", PREMIUM) == 1


def test_an_ignore_in_the_metadata_of_a_template(write: Write) -> None:
    metadata = "    Metadata: {mlguard: {ignore: [{policy: %s, reason: approved}]}}\n"
    write({"t.yaml": TEMPLATE % "ml.p4d.24xlarge" + metadata % PREMIUM})
    assert scan("--select", PREMIUM) == 0
    write({"t.yaml": TEMPLATE % "ml.p4d.24xlarge" + metadata % "x"})
    assert scan("--select", PREMIUM) == 1


def test_unreadable_files_do_not_hide_the_others(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    broken = TEMPLATE % "[\n"
    root = write({"a/main.tf": DEAR % "", "b/t.yaml": TEMPLATE % "ml.p4d.24xlarge", "c/t.yaml": broken})
    (root / "d.yaml").write_bytes(b"Resources:\n  A: {Type: AWS::X::Y}\n\xff\n")
    assert scan("--select", PREMIUM) == 2
    shown = capsys.readouterr().out
    for part in ("a/main.tf:2:3", "b/t.yaml:5:7", "problem  c/t.yaml", "problem  d.yaml:3"):
        assert part in shown


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = write({"a/main.tf": DEAR % "", "b/main.tf": CHEAP, "c/main.tf": CHEAP})
    (root / "b" / "main.tf").chmod(0)
    (root / "c").chmod(0)
    try:
        assert scan("--select", PREMIUM) == 2
    finally:
        (root / "c").chmod(stat.S_IRWXU)
    shown = capsys.readouterr().out
    assert "a/main.tf:2:3" in shown
    assert shown.count("problem  ") == 2


@pytest.mark.parametrize("form", FORMATS)
def test_the_output_goes_to_a_file_whole(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    root = write({"main.tf": DEAR % ""})
    assert scan("--format", form, "--output", "report.out") == 1
    assert not capsys.readouterr().out
    text = (root / "report.out").read_bytes().decode()
    assert "main.tf" in text
    if form in ("json", "sarif"):
        json.loads(text)
    assert scan("--format", form) == 1
    assert capsys.readouterr().out.rstrip("\n") == text.rstrip("\n")
    assert sorted(path.name for path in root.iterdir()) == [".git", "main.tf", "report.out"]


def test_one_scan_writes_several_reports(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = write({"main.tf": DEAR % ""})
    pairs = ["--format", "json", "--output", "a.json", "--format", "text", "--output", "-", "--output", "b", "--format"]
    assert scan(*pairs, "markdown") == 1
    assert capsys.readouterr().out.startswith("main.tf:")
    assert json.loads((root / "a.json").read_text())["findings"]
    assert (root / "b").read_text().startswith("## mlguard: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "json", "--format", "text"], "2 --formats and 0 --outputs: give each --format an --output"),
        (["--output", "a", "--output", "b"], "1 --format and 2 --outputs"),
        (["--format", "json", "--format", "csv", "--output", "a"], "2 --formats and 1 --output: "),
        (["--format", "json", "--format", "csv", "--output", "a", "--output", "a"], "two reports cannot go to a: "),
        (["--format", "json", "--format", "csv", "--output=-", "--output=-"], "cannot go to standard output"),
        (["--format", "json", "--output", "."], 'cannot write a report to ".": --output takes the name of a file'),
        (["--format", "json", "--output", ""], 'cannot write a report to ""'),
        (["--format", "yaml"], "choose one of text, json, "),
    ],
)
def test_reports_with_nowhere_to_go_are_told_before_the_scan(
    write: Write, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    root = write({"main.tf": "resource {"})
    assert scan(*arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert not shown.out
    assert sorted(path.name for path in root.iterdir()) == [".git", "main.tf"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_a_report_can_be_read_by_whom_the_user_lets_read(write: Write) -> None:
    root = write({"main.tf": DEAR % "", "plain": ""})
    assert scan("--output", "report") == 1
    assert stat.S_IMODE((root / "report").stat().st_mode) == stat.S_IMODE((root / "plain").stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices")
def test_a_device_is_written_to_and_a_link_is_replaced(write: Write) -> None:
    root = write({"main.tf": DEAR % "", "cheap/main.tf": CHEAP, "target": "precious"})
    ours, terminal = os.openpty()  # a device that nobody else needs
    try:
        assert scan("--select", PREMIUM, "--output", os.ttyname(terminal), "cheap") == 0
        assert os.read(ours, 1000).startswith(b"0 findings")
    finally:
        os.close(terminal)
        os.close(ours)
    (root / "link").symlink_to("target")
    assert scan("--output", "link") == 1
    assert (root / "target").read_text() == "precious"
    assert not (root / "link").is_symlink()


def test_a_report_that_cannot_be_written_is_said(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": DEAR % ""})
    assert scan("--output", "nowhere/report.txt") == 2
    assert "cannot write nowhere/report.txt" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_surrogate_pair_can_be_written(write: Write, form: str) -> None:
    body = '{"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": "ml.p4d.24xlarge"}}'
    root = write({"t.json": f'{{"Resources": {{"Nb\\ud800": {body}}}}}'})
    assert scan("--select", PREMIUM, "--format", form, "--output", "report.out") == 1
    assert (root / "report.out").read_text(encoding="utf-8")


def hook(*names: str) -> int:
    return main(["hook", *names])


CHOSEN = {".mlguard.yaml": f"select: {PREMIUM}\n"}


PLAN = """{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
  {"address": "aws_sagemaker_notebook_instance.nb", "mode": "managed", "type": "aws_sagemaker_notebook_instance",
   "name": "nb", "values": {"instance_type": "%s"}}
]}},
"configuration": {"root_module": {"resources": [
  {"address": "aws_sagemaker_notebook_instance.nb", "mode": "managed"}
]}}}
"""


def test_a_plan_is_scanned_where_it_is_named_or_found(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"a/plan.json": PLAN % "ml.p4d.24xlarge", "b/dev.json": PLAN % "ml.t3.medium"})
    for arguments in (("--plan", "a/plan.json"), ("--plan=a/plan.json", "b"), ("a/plan.json",), (".",)):
        assert scan("--select", PREMIUM, *arguments) == 1
        assert "a/plan.json:3" in capsys.readouterr().out
    assert scan("--select", PREMIUM, "--plan", "b/dev.json", "--plan", "a/plan.json") == 1
    capsys.readouterr()
    assert scan("--select", PREMIUM, "--plan", "b/dev.json") == 0
    assert "in 1 project, 1 resource" in capsys.readouterr().out
    assert scan("--plan", "c.json") == 2
    assert "there is no file or folder c.json" in capsys.readouterr().err
    assert scan("--plan", "a") == 2
    assert main(["hook", "a/plan.json"]) == 1
    assert "a/plan.json:3" in capsys.readouterr().out


def test_a_plan_may_lie_outside_of_the_repository(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    top = write({"repository/main.tf": DEAR % "", "plan.json": PLAN % "ml.p4d.24xlarge"})
    (top / ".git").rename(top / "repository" / ".git")
    os.chdir(top / "repository")
    assert scan("--select", PREMIUM, ".", "--plan", "../plan.json") == 1
    shown = capsys.readouterr().out
    assert "main.tf:2" in shown
    assert "1 project" in shown
    assert scan("--select", PREMIUM, "--plan", str(top / "plan.json")) == 1
    assert "../plan.json:3" in capsys.readouterr().out


def test_the_hook_checks_the_projects_of_the_changed_files(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"a/main.tf": DEAR % "", "a/other.tf": "", "b/main.tf": DEAR % "", "README.md": "x", **CHOSEN})
    assert hook() == 0
    assert hook("README.md") == 0
    assert hook("gone.tf") == 0
    assert not capsys.readouterr().out
    assert hook("a/other.tf") == 1
    shown = capsys.readouterr().out
    assert "a/main.tf:2:3" in shown
    assert "b/main.tf" not in shown


def test_the_hook_takes_names_and_no_options(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"--help.tf": DEAR % "", "--version": "", **CHOSEN})
    assert hook("--help.tf", "--version") == 1
    assert "--help.tf:2:3" in capsys.readouterr().out


def test_a_problem_in_another_project_is_no_business_of_a_commit(write: Write) -> None:
    write({"a/main.tf": CHEAP, "b/main.tf": "x {\n", "c/t.yaml": TEMPLATE % "[\n", **CHOSEN})
    assert hook("a/main.tf") == 0
    assert hook("b/main.tf") == 2
    assert hook("c/t.yaml") == 2


HOSTILE = (
    "a\nb.tf", "a\x1b[31mb.tf", "\r::error::x.tf", "a b.tf", "ü.tf", "'q\".tf", "%0A::error::x.tf", "a\u202eb.tf"
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names_reach_no_output_as_they_are(
    write: Write, capsys: pytest.CaptureFixture[str], name: str, form: str
) -> None:
    write({name: DEAR % ""})
    assert scan("--select", PREMIUM, "--format", form) == 1
    shown = capsys.readouterr().out.replace("\r\n", "\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert not any(line.lstrip().startswith("::error::x") for line in shown.split("\n"))
    if form != "github":
        assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))


def test_a_file_name_of_no_encoding(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    root = write({"good/main.tf": DEAR % ""})
    try:
        (root / os.fsdecode(b"\xff\xfe.tf")).write_text(DEAR % "")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert scan("--select", PREMIUM) == 1
    assert "good/main.tf:2:3" in capsys.readouterr().out


def test_excluded_files_are_not_looked_at(write: Write) -> None:
    write({"v/main.tf": DEAR % "", "a/main.tf": CHEAP, ".mlguard.yaml": f"exclude: [v]\nselect: {PREMIUM}\n"})
    assert scan() == 0


def test_a_gate_that_checks_nothing_is_not_green(write: Write) -> None:
    write({"a/main.tf": DEAR % "", ".mlguard.yaml": 'exclude: ["*"]\n'})
    assert scan() in (2, 3)


def test_own_policies(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": CHEAP})
    assert main(["new", "mine/my-own-mistake", "--policies", "rules"]) == 0
    assert main(["test", "--policies", "rules", "my-own-mistake"]) == 0
    assert "2 examples passed, 0 failed" in capsys.readouterr().out
    assert main(["explain", "my-own-mistake", "--policies", "rules"]) == 0
    assert scan("--policies", "rules", "--select", "my-own-mistake") == 0
    assert main(["new", "mine/my-own-mistake", "--policies", "rules"]) == 2
    assert main(["new", "../../x", "--policies", "rules"]) == 2


def test_a_policy_of_two_folders_is_refused(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write({"main.tf": CHEAP})
    for folder in ("one", "two"):
        assert main(["new", "mine/my-own-mistake", "--policies", folder]) == 0
    assert scan("--policies", "one", "--policies", "two", "--select", "my-own-mistake") == 2
    assert "my-own-mistake" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["../out", "/etc", "https://example.com", "link"])
def test_configured_policies_stay_in_the_repository(
    write: Write, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    root = write({"main.tf": CHEAP, ".mlguard.yaml": f"policies: ['{folder}']\n"})
    (root / "link").symlink_to("/etc")
    assert scan() == 2
    assert "is not in the repository" in capsys.readouterr().err


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlguard", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_says_the_same_twice_and_less_in_a_sub_folder(write: Write) -> None:
    root = write({"a/main.tf": DEAR % "", "b/t.yaml": TEMPLATE % "ml.p4d.24xlarge"})
    first, second = run("scan", cwd=root), run("scan", cwd=root)
    assert (first.returncode, first.stdout) == (1, second.stdout)
    below = run("scan", ".", cwd=root / "a")
    assert "main.tf:2:3" in below.stdout
    assert "t.yaml" not in below.stdout


def test_the_version_and_a_closed_pipe(write: Write) -> None:
    root = write({"a/main.tf": DEAR % ""})
    assert run("--version", cwd=root).stdout.startswith("mlguard ")
    command = f"{sys.executable} -m mlguard policies | head -c 1"
    done = subprocess.run(["sh", "-c", command], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
