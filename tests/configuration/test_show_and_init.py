"""`mlguard config show` and `mlguard init`, run as a user runs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlguard.cli.main import main
from mlguard.configuration import parse_configuration
from mlguard.source import Document

Run = Callable[..., tuple[int, str, str]]
NOTEBOOK = 'variable "type" {}\nresource "aws_sagemaker_notebook_instance" "n" {\n  instance_type = var.type\n}\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a git repository that the test stands in."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    return tmp_path


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that writes files and runs mlguard: its exit code, and what it prints."""

    def call(files: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
        for name, text in files.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_text(text, encoding="utf-8")
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


FILES = {
    ".mlguard.yaml": "fail_on: high\nenvironments:\n  production:\n    paths: [live]\n"
    "parameters: {max_idle_seconds: 60}\n",
    "apps/pyproject.toml": '[tool.mlguard]\nregion = "eu-west-1"\n',
    "apps/a/main.tf": NOTEBOOK,
    "live/main.tf": NOTEBOOK,
}


def test_show_tells_each_value_and_its_line(run: Run) -> None:
    code, out, _ = run(FILES, "config", "show", "apps/a/main.tf", "--ignore", "storage")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert lines[0] == "apps/a/main.tf is configured by apps/pyproject.toml, .mlguard.yaml"
    for told in (
        "select recommended default",
        "ignore storage command line",
        "fail_on high .mlguard.yaml:1",
        "region eu-west-1 apps/pyproject.toml:2",
        "max_idle_seconds 60 .mlguard.yaml:5",
        "production.paths live .mlguard.yaml:4",
    ):
        assert told in lines
    assert (
        "The environment is sandbox (default), unless a stack, a workspace, a tag or a name tells another one." in out
    )
    assert "parameters have their defaults; --all shows them" in out


def test_show_as_json_holds_everything(run: Run) -> None:
    code, out, _ = run(FILES, "config", "show", "live", "--format", "json", "--fail-on", "low")
    told: dict[str, Any] = json.loads(out)
    assert code == 0
    assert told["files"] == [".mlguard.yaml"]
    at = {"path": ".mlguard.yaml", "line": 4}
    assert told["environment"] == {"value": "production", "from": at, "settled": True}
    assert told["settings"]["fail_on"] == {"value": "low", "from": "command line"}
    assert told["parameters"]["max_idle_seconds"] == {"value": 60, "from": {"path": ".mlguard.yaml", "line": 5}}
    assert told["parameters"]["max_log_retention_days"]["from"] == "default"


def test_show_of_a_file_on_the_command_line_and_of_none(run: Run) -> None:
    _, out, _ = run(
        {**FILES, "other.yaml": "region: us-west-2\n"}, "config", "show", "apps/a", "--config", "other.yaml"
    )
    assert "is configured by other.yaml\n" in out
    assert "is configured by no file" in run({}, "config", "show", "apps/a", "--no-config")[1]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/.mlguard.yaml": "ignore: [s33]\n"}, 'a/.mlguard.yaml:1:1: "s33" is neither a policy nor a pack'),
        ({"a/.mlguard.yaml": "\npolicies: [rules]\n"}, 'a/.mlguard.yaml:2:1: the policy folder "a/rules" is not'),
        ({"a/.mlguard.yaml": "prices: p.csv\n"}, "a/.mlguard.yaml:1:1: prices: a/p.csv: no such file"),
        ({"a/.mlguard.yaml": "pirces: p.csv\n"}, 'a/.mlguard.yaml:1:1: there is no setting "pirces"; did you mean'),
    ],
)
@pytest.mark.parametrize("command", [("config", "show", "a"), ("scan", "a")])
def test_a_wrong_configuration_is_located_by_every_command(
    run: Run, files: Mapping[str, str], message: str, command: tuple[str, ...]
) -> None:
    code, out, err = run({"a/main.tf": NOTEBOOK, **files}, *command)
    assert (code, out) == (2, "")
    assert err.startswith(f"mlguard: {message}")


def test_init_writes_what_fits_and_what_it_writes_is_read(run: Run, here: Path) -> None:
    files = {
        "live/prod/main.tf": NOTEBOOK,
        "app/main.tf": NOTEBOOK,
        "app/envs/dev.tfvars": 'type = "ml.t3.medium"\n',
        "app/envs/production.tfvars": 'type = "ml.p4d.24xlarge"\n',
        "app/terraform.tfvars": "",
        "cdk/cdk.json": '{"app": "node bin/app.js"}\n',
    }
    code, out, _ = run(files, "init")
    assert code == 0
    assert "Found Terraform root modules: 2\n" in out
    assert "production is told by: live/prod\n" in out
    assert "production is deployed with: ./envs/production.tfvars\n" in out
    assert "cdk/cdk.json: this CDK app has no cloud assembly: run `cdk synth`" in out
    written = parse_configuration(Document(".mlguard.yaml", (here / ".mlguard.yaml").read_text("utf-8")))
    assert {one.environment: one.var_files for one in written.deployments} == {
        "sandbox": ("./envs/dev.tfvars",),
        "production": ("./envs/production.tfvars",),
    }
    workflow = yaml.safe_load((here / ".github/workflows/mlguard.yml").read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert "cdk synth # in cdk" in (here / ".github/workflows/mlguard.yml").read_text("utf-8")
    report = json.loads(run({}, "scan", "--format", "json", "--no-progress")[1])
    assert {one["environment"] for one in report["findings"] if one["project"] == "app"} == {"sandbox", "production"}


def test_what_is_commented_out_is_right_too(run: Run, here: Path) -> None:
    run({"live/prod/main.tf": NOTEBOOK, "dev/main.tf": NOTEBOOK}, "init")
    text = (here / ".mlguard.yaml").read_text("utf-8")
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and (": " in line or line.endswith(":"))]
    settings = [line for line in lines if line.lstrip().split(":")[0].isidentifier()]
    told = parse_configuration(Document("x", "\n".join(settings)))
    assert told.environment_of("live/prod/main.tf") == "production"
    assert told.environment_of("dev") == "sandbox"


def test_init_never_overwrites(run: Run, here: Path) -> None:
    files = {"pyproject.toml": "[tool.mlguard]\n", ".pre-commit-config.yaml": "repos: []\n", "main.tf": NOTEBOOK}
    code, out, _ = run(files, "init")
    assert code == 0
    assert "pyproject.toml is there already and stays as it is." in out
    assert "Add this to its `repos`:\n\n  - repo: local" in out
    assert not (here / ".mlguard.yaml").exists()
    assert (here / ".pre-commit-config.yaml").read_text("utf-8") == "repos: []\n"
    before = (here / ".github/workflows/mlguard.yml").read_text("utf-8")
    assert run({}, "init")[0] == 0
    assert (here / ".github/workflows/mlguard.yml").read_text("utf-8") == before


def test_a_dry_run_writes_nothing(run: Run, here: Path) -> None:
    before = sorted(here.rglob("*"))
    code, out, _ = run({"main.tf": NOTEBOOK}, "init", "--dry-run")
    assert code == 0
    assert ".mlguard.yaml would be written:\n\n# What mlguard checks here." in out
    assert sorted(here.rglob("*")) == sorted([*before, here / "main.tf"])


def test_nothing_is_written_behind_a_link(run: Run, here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (here / ".github").symlink_to(outside)
    code, _, err = run({"main.tf": NOTEBOOK}, "init")
    assert code == 2
    assert "nothing is written behind it" in err
    assert list(outside.iterdir()) == []


def test_the_hook_is_the_one_that_the_project_offers(run: Run, here: Path) -> None:
    run({"main.tf": NOTEBOOK}, "init")
    offered = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    written = yaml.safe_load((here / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"][0]
    same = ("id", "name", "entry", "language", "files", "require_serial")
    assert {key: written[key] for key in same} == {key: offered[key] for key in same}
