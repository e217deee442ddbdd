"""A change cannot switch its own check off: each attack adds a dear machine, and hides it by steering the check.

Every attack is run as the action runs, and must neither be green nor stay unseen by the reviewer.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlguard.cli import main

Scratch = Any
"""What `scratch` of this folder's conftest gives."""
SCHEMA = json.loads((Path(__file__).parents[2] / "policies/schema/report.schema.json").read_text(encoding="utf-8"))
PREMIUM = "premium-accelerator-in-nonproduction"
NOTEBOOK = 'resource "aws_sagemaker_notebook_instance" "%s" {\n  instance_type = "%s"%s\n}\n'
CHEAP = NOTEBOOK % ("old", "ml.t3.medium", "")
DEAR = NOTEBOOK % ("dear", "ml.p4d.24xlarge", "")
CONFIGURATION = (
    f"select: [{PREMIUM}, own-mistake]\nfail_on: medium\npolicies: [guard]\nbaseline: accepted.json\n"
    "prices: rates.csv\nextend: common.yaml\n"
)
OWN = """\
id: %s
title: A mistake of ours
severity: %s
pack: own
applies_to: sagemaker.notebook_instance
require: {machines: {every: {type: {in: %s}}}}
message: "{resource} is too dear for us"
why: It costs.
exposure: resource
fix_by_hand: {cloudformation: a, terraform: b, cdk: c}
scp: {enforce: none, limits: none}
"""
ENTRY = {"path": "dear.tf", "project": ".", "resource": "aws_sagemaker_notebook_instance.dear", "severity": "critical"}
BASELINE = '{"version": 1, "findings": []}\n'
DEFAULTS = ("--diff-base", "main", "--config-ref", "main", "--no-new-ignores")


@dataclass
class Outcome:
    """What a run of the check says."""

    code: int
    report: dict[str, Any]
    complaint: str

    @property
    def new(self) -> set[str]:
        """Give the ids of new findings that count."""
        found = self.report.get("findings", ())
        return {one["policy"] for one in found if one["status"] in ("new", "worse") and not one["suppressed"]}

    @property
    def remarks(self) -> str:
        """Give all that reviewers are told, in one text."""
        return "\n".join(f"{one['path']}: {one['text']}" for one in self.report.get("remarks", ()))


Check = Callable[..., Outcome]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Give a function that runs the check as the action does."""

    def run(*arguments: str) -> Outcome:
        code = main(["scan", "--no-progress", "--format", "json", *(arguments or DEFAULTS)])
        shown = capsys.readouterr()
        report = json.loads(shown.out) if shown.out else {}
        if report:
            jsonschema.validate(report, SCHEMA)
        return Outcome(code, report, shown.err)

    return run


@pytest.fixture
def project(scratch: Scratch) -> Scratch:
    """Give a repository with configuration, own policies and a baseline on main, and a branch for the change."""
    own = OWN % ("own-mistake", "high", "[ml.t3.*]")
    files = {"main.tf": CHEAP, ".mlguard.yaml": CONFIGURATION, "guard/own.yaml": own, "accepted.json": BASELINE}
    files |= {"rates.csv": "item,region,usd_per_hour\nml.p5.48xlarge,,50\n", "common.yaml": "region: us-east-1\n"}
    scratch.commit(files, "base")
    scratch.git("switch", "--quiet", "-c", "topic")
    return scratch


def test_an_honest_change_is_told_what_it_adds(project: Scratch, check: Check) -> None:
    project.commit({"dear.tf": DEAR})
    outcome = check()
    assert outcome.code == 1
    assert outcome.new == {PREMIUM, "own-mistake"}
    assert outcome.remarks == ""


def test_a_change_without_a_mistake_is_green(project: Scratch, check: Check) -> None:
    project.commit({"other.tf": CHEAP.replace('"old"', '"new"')})
    outcome = check()
    assert (outcome.code, outcome.new, outcome.remarks) == (0, set(), "")


ATTACKS = {
    "ignores the policies": ({".mlguard.yaml": CONFIGURATION + f"ignore: [{PREMIUM}, own-mistake]\n"}, "ignores"),
    "selects something else": (
        {".mlguard.yaml": CONFIGURATION.replace(f"{PREMIUM}, own-mistake", "bucket-without-lifecycle")},
        "selects bucket-without-lifecycle",
    ),
    "excludes the file": ({".mlguard.yaml": CONFIGURATION + "exclude: [dear.tf]\n"}, "excludes dear.tf"),
    "excludes everything": ({".mlguard.yaml": CONFIGURATION + 'exclude: ["*"]\n'}, "excludes *"),
    "raises what fails": (
        {".mlguard.yaml": CONFIGURATION.replace("medium", "critical")},
        "weakens fail_on from medium to critical",
    ),
    "weakens a parameter": (
        {".mlguard.yaml": CONFIGURATION + "parameters: {large_usd_per_hour: 1000}\n"},
        "changes the parameter large_usd_per_hour from",
    ),
    "declares another environment": (
        {".mlguard.yaml": CONFIGURATION + "environment: production\n"},
        "sets environment to production",
    ),
    "configures a folder of its own": (
        {"sub/.mlguard.yaml": f"root: true\nignore: [{PREMIUM}]\n", "sub/dear.tf": DEAR},
        "adds this configuration",
    ),
    "configures by pyproject.toml": (
        {"sub/pyproject.toml": f'[tool.mlguard]\nignore = ["{PREMIUM}"]\n', "sub/dear.tf": DEAR},
        "adds this configuration",
    ),
    "breaks the configuration": ({".mlguard.yaml": "select: [\n"}, "the changed configuration is refused"),
    "edits the own policy": (
        {"guard/own.yaml": OWN % ("own-mistake", "info", '["*"]')},
        "edits a policy of your own",
    ),
    "overrides a built-in policy": ({"guard/more.yaml": OWN % (PREMIUM, "info", '["*"]')}, "adds a policy of your own"),
    "adds a policy folder": (
        {".mlguard.yaml": CONFIGURATION.replace("[guard]", "[lax]"), "lax/own.yaml": OWN % ("lax", "info", '["*"]')},
        "drops the policy folder guard",
    ),
    "adds to the baseline": (
        {
            "accepted.json": json.dumps(
                {
                    "version": 1,
                    "findings": [
                        {"policy": PREMIUM, "property": "machines.type", **ENTRY},
                        {"policy": "own-mistake", "property": "machines.type", **ENTRY},
                    ],
                }
            )
        },
        "adds 2 entries to the baseline",
    ),
    "breaks the baseline": ({"accepted.json": "{"}, "the changed baseline is refused"),
    "makes machines cheap": ({"rates.csv": "item,region,usd_per_hour\nml.*,,0.01\n"}, "edits the prices"),
    "edits what the configuration extends": ({"common.yaml": f"ignore: [{PREMIUM}]\n"}, "ignores " + PREMIUM),
    "edits the pipeline": ({".github/workflows/check.yml": "on: push\n"}, "edits the pipeline"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_steering_files_of_the_change_do_not_steer(project: Scratch, check: Check, name: str) -> None:
    files, told = ATTACKS[name]
    project.commit({"dear.tf": DEAR, **files})
    outcome = check()
    assert outcome.code == 1, outcome.complaint
    assert {PREMIUM, "own-mistake"} <= outcome.new
    assert told in outcome.remarks


@pytest.mark.parametrize("form", ["text", "markdown", "github", "sarif", "html", "junit", "csv", "gitlab"])
def test_every_format_shows_what_is_new_and_its_reader_what_bears_on_the_check(
    project: Scratch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    files, _ = ATTACKS["ignores the policies"]
    project.commit({"dear.tf": IGNORES["on the line"], **files})
    assert main(["scan", "--no-progress", "--format", form, *DEFAULTS]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert PREMIUM in shown
    if form in ("text", "markdown", "github", "sarif", "html"):
        assert "the change adds an ignore of" in shown
        assert "the change edits this configuration; the check used that of main" in shown
        assert "would no longer find 2 of its findings" in shown


IGNORES = {
    "on the line": (NOTEBOOK % ("dear", "ml.p4d.24xlarge", f" # mlguard: ignore[{PREMIUM}, own-mistake] needed")),
    "by catalogue id": DEAR.replace("\n}", f" # mlguard: ignore[MLG201, {PREMIUM}, own-mistake] needed\n}}"),
}


@pytest.mark.parametrize("name", IGNORES)
def test_ignores_that_the_change_adds_do_not_count(project: Scratch, check: Check, name: str) -> None:
    project.commit({"dear.tf": IGNORES[name]})
    outcome = check()
    assert outcome.code == 1
    assert {PREMIUM, "own-mistake"} <= outcome.new
    assert "the change adds an ignore of" in outcome.remarks
    assert 'which does not count: "needed"' in outcome.remarks
    allowed = check("--diff-base", "main", "--config-ref", "main", "--ignore", "suppressions")
    assert allowed.code == 0
    assert "the change adds an ignore of" in allowed.remarks


def test_an_ignore_in_metadata_that_the_change_adds_does_not_count(project: Scratch, check: Check) -> None:
    template = {
        "Resources": {
            "Nb": {
                "Type": "AWS::SageMaker::NotebookInstance",
                "Metadata": {"mlguard": {"ignore": [{"policy": f"{PREMIUM}, own-mistake", "reason": "needed"}]}},
                "Properties": {"InstanceType": "ml.p4d.24xlarge", "RoleArn": "arn:aws:iam::123456789012:role/x"},
            }
        }
    }
    project.commit({"t.json": json.dumps(template, indent=1)})
    outcome = check()
    assert outcome.code == 1
    assert outcome.new == {PREMIUM, "own-mistake"}
    assert "t.json: the change adds an ignore of" in outcome.remarks


def ignored(name: str, machine: str) -> str:
    return NOTEBOOK % (name, machine, f" # mlguard: ignore[{PREMIUM}, own-mistake] agreed")


@pytest.fixture
def with_ignore(project: Scratch) -> Scratch:
    """Give the repository with an accepted machine on main."""
    project.git("switch", "--quiet", "main")
    project.commit({"main.tf": CHEAP + ignored("lab", "ml.g5.12xlarge")}, "accepted")
    project.git("switch", "--quiet", "-C", "topic")
    return project


def test_an_old_ignore_counts_for_what_it_hid(with_ignore: Scratch, check: Check) -> None:
    with_ignore.commit({"main.tf": "# a comment\n\n" + CHEAP + ignored("lab", "ml.g5.12xlarge")})
    outcome = check()
    assert (outcome.code, outcome.new, outcome.remarks) == (0, set(), "")


def test_an_old_ignore_that_moves_to_another_resource_does_not_count(with_ignore: Scratch, check: Check) -> None:
    with_ignore.commit({"main.tf": CHEAP + ignored("dear", "ml.p4d.24xlarge")})
    outcome = check()
    assert outcome.code == 1
    assert outcome.new == {PREMIUM, "own-mistake"}
    assert "an ignore that was there hides more than before" in outcome.remarks


def test_an_old_ignore_does_not_count_for_what_got_worse(with_ignore: Scratch, check: Check) -> None:
    with_ignore.commit({"main.tf": CHEAP + ignored("lab", "ml.p4d.24xlarge")})
    outcome = check()
    assert outcome.code == 1
    assert "hides more than before" in outcome.remarks


def test_an_accepted_mistake_that_gets_dearer_counts(project: Scratch, check: Check) -> None:
    project.git("switch", "--quiet", "main")
    project.commit({"dear.tf": NOTEBOOK % ("dear", "ml.g5.12xlarge", "")})
    project.git("switch", "--quiet", "-C", "topic")
    project.commit({"dear.tf": DEAR})
    outcome = check()
    assert outcome.code == 1
    assert "own-mistake" in outcome.new


def test_the_parser_cannot_be_broken_to_be_green(project: Scratch, check: Check) -> None:
    project.commit({"dear.tf": DEAR + "x {\n"})
    assert check().code == 2


def test_nothing_hides_behind_a_link(project: Scratch, check: Check) -> None:
    project.write({"notes.txt": DEAR})
    (project.folder / "dear.tf").symlink_to("notes.txt")
    project.commit({})
    outcome = check()
    assert outcome.code == 2
    assert "dear.tf: the change adds or turns a symbolic link, and what it leads to is not checked" in outcome.remarks
    (project.folder / "dear.tf").unlink()
    (project.folder / "dear.tf").symlink_to("main.tf")
    project.commit({})
    outcome = check()
    assert outcome.code == 0
    assert "dear.tf: the change adds or turns a symbolic link, which is checked under its own name" in outcome.remarks


def test_code_where_the_check_does_not_look_is_shown(project: Scratch, check: Check) -> None:
    project.git("switch", "--quiet", "main")
    project.commit({".mlguard.yaml": CONFIGURATION + "exclude: [examples]\n"})
    project.git("switch", "--quiet", "-C", "topic")
    project.commit({"vendor/app/dear.tf": DEAR, "examples/dear.tf": DEAR, "fine.tf": CHEAP.replace('"old"', '"fine"')})
    outcome = check()
    assert outcome.code == 0
    assert "touches code that the check leaves out: examples/dear.tf, vendor/app/dear.tf" in outcome.remarks


def test_patterns_of_gitignore_hide_nothing(project: Scratch, check: Check) -> None:
    project.write({"dear.tf": DEAR, ".gitignore": "*.tf\n.gitignore\n", "local.tf": DEAR.replace("dear", "local")})
    project.git("add", "--force", "dear.tf", ".gitignore")
    project.git("commit", "--quiet", "--message", "hidden")
    outcome = check()
    assert outcome.code == 1
    assert {PREMIUM, "own-mistake"} <= outcome.new
    assert "dear.tf" in {one["path"] for one in outcome.report["findings"]}


def test_a_configuration_that_becomes_a_link_does_not_steer(project: Scratch, check: Check) -> None:
    (project.folder / ".mlguard.yaml").unlink()
    (project.folder / ".mlguard.yaml").symlink_to("lax.yaml")
    project.commit({"lax.yaml": f"ignore: [{PREMIUM}]\n", "dear.tf": DEAR})
    outcome = check()
    assert outcome.code in (1, 2)
    assert {PREMIUM, "own-mistake"} <= outcome.new
    assert "a symbolic link, not followed" in outcome.remarks


def test_git_attributes_of_the_change_run_nothing(project: Scratch, check: Check, tmp_path: Path) -> None:
    marker, trap = tmp_path / "marker", tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {marker}\necho\n")
    trap.chmod(stat.S_IRWXU)
    project.commit({"dear.tf": DEAR, ".gitattributes": "* filter=trap diff=trap -text\n"})
    for key in ("filter.trap.smudge", "filter.trap.clean", "diff.trap.textconv", "diff.external", "core.fsmonitor"):
        project.git("config", key, str(trap))
    outcome = check()
    assert outcome.code == 1
    assert PREMIUM in outcome.new
    assert main(["suppressions", "--blame"]) == 0
    assert not marker.exists()


def test_names_of_files_are_only_names(project: Scratch, check: Check) -> None:
    names = (
        "main",
        "--output=x.tf",
        "HEAD",
        "-c",
        ":(top)main.tf",
        "a\n::error::x.tf",
        "refs/heads/main.tf",
        "\u202e.tf",
    )
    project.commit({name: DEAR.replace('"dear"', f'"d{number}"') for number, name in enumerate(names)})
    outcome = check()
    assert outcome.code == 1
    assert len(outcome.report["findings"]) == 2 * sum(name.endswith(".tf") for name in names)
    assert not (project.folder / "x.tf").exists()


def test_a_submodule_hides_nothing_and_is_not_entered(project: Scratch, check: Check) -> None:
    commit = project.git("rev-parse", "HEAD")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    project.git("commit", "--quiet", "--message", "module")
    project.write({"module/dear.tf": DEAR})
    outcome = check()
    assert outcome.code == 1
    assert {PREMIUM, "own-mistake"} <= outcome.new


def test_a_repository_inside_of_the_repository_is_not_asked(project: Scratch, check: Check, tmp_path: Path) -> None:
    inner = project.folder / "inner"
    inner.mkdir()
    for name in ("HEAD", "config", "objects/x", "refs/x", "hooks/post-checkout"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_text("[core]\n\tfsmonitor = touch marker\n\tbare = true\n" if name == "config" else "x\n")
    project.commit({"inner/dear.tf": DEAR})
    assert {PREMIUM, "own-mistake"} <= check().new
    assert not list(tmp_path.rglob("marker"))


def test_mandatory_policies_stand_above_everything_in_the_code(project: Scratch, check: Check) -> None:
    mandatory = CONFIGURATION + f"mandatory: [{PREMIUM}, own-mistake]\n"
    project.git("switch", "--quiet", "main")
    project.commit({".mlguard.yaml": mandatory})
    project.git("switch", "--quiet", "-C", "topic")
    entry = {"policy": PREMIUM, "property": "machines.type", **ENTRY, "path": "dear.tf"}
    baseline = {"version": 1, "findings": [entry]}
    files = {
        ".mlguard.yaml": mandatory + f"ignore: [{PREMIUM}]\n",
        "sub/.mlguard.yaml": f"root: true\nselect: [bucket-without-lifecycle]\nignore: [{PREMIUM}]\npolicies: []\n",
        "sub/dear.tf": DEAR,
        "dear.tf": ignored("dear", "ml.p4d.24xlarge"),
        "accepted.json": json.dumps(baseline),
    }
    project.commit(files)
    outcome = check("--ignore", PREMIUM)  # by the change's own settings
    assert outcome.code == 1
    found = {(one["policy"], one["path"]) for one in outcome.report["findings"] if not one["suppressed"]}
    assert {(name, path) for name in (PREMIUM, "own-mistake") for path in ("dear.tf", "sub/dear.tf")} <= found
    assert {(name, path) for name, path in found if name == "suppression-of-mandatory-policy"} == {
        ("suppression-of-mandatory-policy", "dear.tf"),
        ("suppression-of-mandatory-policy", "accepted.json"),
    }


def test_no_ignores_and_no_config(project: Scratch, check: Check) -> None:
    project.commit({"dear.tf": ignored("dear", "ml.p4d.24xlarge")})
    assert check("--fail-on", "low").code == 0
    outcome = check("--no-ignores")
    assert outcome.code == 1
    assert {one["policy"] for one in outcome.report["findings"]} == {PREMIUM, "own-mistake"}
    bare = ("--no-config", "--select", "bucket-without-lifecycle")
    assert check(*bare).code == 1  # `own-mistake` is no policy without the configuration
    assert check(*bare, "--ignore", "suppressions").code == 0


def test_own_policies_are_pinned(project: Scratch, check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--hash", "guard"]) == 0
    pin = capsys.readouterr().out.strip()
    assert len(pin) == 64
    assert check("--policy-pack-hash", pin).code == 0
    project.commit({"guard/own.yaml": OWN % ("own-mistake", "info", '["*"]')})
    outcome = check("--policy-pack-hash", pin)
    assert outcome.code == 2
    assert "are not those that --policy-pack-hash pins" in outcome.complaint
    assert check("--policy-pack-hash", pin, "--config-ref", "main").code == 0
    project.commit({".mlguard.yaml": "fail_on: low\n"})
    assert "no folder of own policies has the hash" in check("--policy-pack-hash", pin).complaint


def test_a_check_of_nothing_is_not_green(project: Scratch, check: Check) -> None:
    project.commit({".mlguard.yaml": 'exclude: ["*"]\n', "dear.tf": DEAR})
    outcome = check("--diff-base", "main")
    assert outcome.code == 3
    assert "excludes *" in outcome.remarks


def test_what_the_change_weakens_is_shown_where_its_own_settings_are_used(project: Scratch, check: Check) -> None:
    project.commit({".mlguard.yaml": CONFIGURATION + f"ignore: [{PREMIUM}]\n", "dear.tf": DEAR})
    outcome = check("--diff-base", "main")
    assert "the check used it as it is now" in outcome.remarks
    assert (
        f"the check does not find 1 of its findings: {PREMIUM} of aws_sagemaker_notebook_instance.dear"
        in outcome.remarks
    )


def test_provenance_says_by_what_was_judged(project: Scratch, check: Check) -> None:
    project.commit({"dear.tf": DEAR, ".mlguard.yaml": "fail_on: critical\n"})
    made = check().report["provenance"]
    main_commit = project.git("rev-parse", "main")[:12]
    assert made["configuration"] == ".mlguard.yaml, common.yaml"
    assert made["configuration_ref"] == f"main ({main_commit})"
    assert len(made["configuration_hash"]) == len(made["policies_hash"]) == 64
    assert made["settings"] == ["--diff-base=main", "--config-ref=main", "--no-new-ignores"]
    own = check("--diff-base", "main").report["provenance"]
    assert own["configuration_hash"] != made["configuration_hash"]
    assert own["configuration_ref"] == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--no-new-ignores",), "needs --diff-base"),
        (("--diff-base", "nowhere"), 'git knows no commit "nowhere" here: fetch it first'),
        (("--config-ref", "--upload-pack=x"), "expected one argument"),
        (("--config-ref=--upload-pack=x",), "is no name of a commit"),
        (("--diff-base=HEAD:main.tf",), "is no name of a commit"),
    ],
)
def test_what_cannot_be_compared_is_said(
    project: Scratch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    assert project
    try:
        code = main(["scan", "--no-progress", *arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert complaint in capsys.readouterr().err


def test_hooks_run_inside_of_git_see_the_repository(project: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", os.fspath(project.folder / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", "nowhere")
    assert main(["scan", "--no-progress", "--diff-base", "main"]) == 0
