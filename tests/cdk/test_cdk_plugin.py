"""mlguard as a validation plugin: real apps, the same verdicts as a scan, and a clear word without aws-cdk-lib."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlguard.cdk import Plugin
from mlguard.errors import UsageError
from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Root

Synthesize = Callable[..., subprocess.CompletedProcess[str]]
BARE = """\
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

from mlguard.cdk import Plugin

app = cdk.App()
{plugin}
stage = cdk.Stage(app, "Prod")
{more}
for scope in (app, stage):
    stack = cdk.Stack(scope, "Notebooks", env=cdk.Environment(region="us-east-1"))
    notebook = sagemaker.CfnNotebookInstance(
        stack,
        "Notebook",
        instance_type="ml.t3.medium",
        role_arn="arn:aws:iam::222222222222:role/research",
    )
    {also}
app.synth()
"""
ONLY = 'Plugin(select=["notebook-without-lifecycle-config"]{})'


def bare(folder: Path, plugin: str, more: str = "", also: str = "") -> Path:
    """Write an app of two notebooks, one of them in a stage, with the plugin that a line adds."""
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(BARE.format(plugin=plugin, more=more, also=also), encoding="utf-8")
    return folder


def violations(app: Path) -> list[dict[str, Any]]:
    reports = json.loads((app / "cdk.out" / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
    return [violation for one in reports if one["pluginName"] == "mlguard" for violation in one["violations"]]


def constructs(app: Path) -> set[str]:
    return {one["constructPath"] for violation in violations(app) for one in violation["violatingConstructs"]}


def test_a_finding_fails_the_synthesis_with_the_verdicts_of_a_scan(
    app_of: Callable[[str], Path], synthesize: Synthesize
) -> None:
    app = app_of("python")
    text = (app / "app.py").read_text(encoding="utf-8")
    text = f"from mlguard.cdk import Plugin\n{text}".replace(
        "app = cdk.App()\n", "app = cdk.App()\ncdk.Validations.of(app).add_plugins(Plugin())\n"
    )
    (app / "app.py").write_text(text, encoding="utf-8")
    run = synthesize(app)
    assert run.returncode != 0
    assert "research/stack.py:17\n" in run.stderr  # without any setting but the plugin itself
    assert "Prod/Research-sa-east-1/Training/Bench/Notebook" in run.stderr
    assert "Acknowledge with 'mlguard::notebook-without-lifecycle-config'" in run.stderr
    report = scan(Options(Root(app), ("cdk.out",), policies=choose(bundled_policies(), (), ())))
    told = {
        (violation["ruleName"], violation["description"], one["constructPath"])
        for violation in violations(app)
        for one in violation["violatingConstructs"]
    }
    assert told == {(one.policy.id, one.message, one.construct) for one in report.counted()}
    assert len(report.counted()) < len(report.findings)  # an acknowledgement holds in both


def test_an_app_without_findings_passes(tmp_path: Path, synthesize: Synthesize) -> None:
    stop = 'notebook.add_property_override("LifecycleConfigName", "stop-when-idle")'
    app = bare(tmp_path / "app", f"cdk.Validations.of(app).add_plugins({ONLY.format('')})", also=stop)
    run = synthesize(app)
    assert run.returncode == 0, run.stderr
    assert not violations(app)


def test_below_the_severity_that_fails_a_finding_is_a_warning(tmp_path: Path, synthesize: Synthesize) -> None:
    plugin = ONLY.format(', fail_on="critical"')
    app = bare(tmp_path / "app", f"cdk.Validations.of(app).add_plugins({plugin})")
    run = synthesize(app)
    assert run.returncode == 0, run.stderr
    assert {one["severity"] for one in violations(app)} == {"warning"}


def test_a_plugin_of_a_stage_speaks_of_its_stacks_only(tmp_path: Path, synthesize: Synthesize) -> None:
    app = bare(tmp_path / "app", "", more=f"cdk.Validations.of(stage).add_plugins({ONLY.format('')})")
    assert synthesize(app).returncode != 0
    assert constructs(app) == {"Prod/Notebooks/Notebook"}


def test_a_comment_and_the_configuration_of_the_repository_count(tmp_path: Path, synthesize: Synthesize) -> None:
    app = bare(tmp_path / "app", "cdk.Validations.of(app).add_plugins(Plugin())")
    assert synthesize(app).returncode != 0
    assert constructs(app) == {"Notebooks/Notebook", "Prod/Notebooks/Notebook", "Notebooks"}
    text = (app / "app.py").read_text(encoding="utf-8")
    comment = "    # mlguard: ignore[notebook-without-lifecycle-config] stopped by hand each evening\n    notebook ="
    (app / "app.py").write_text(text.replace("    notebook =", comment), encoding="utf-8")
    (app / ".mlguard.yaml").write_text("budgets: managed_elsewhere\n", encoding="utf-8")
    run = synthesize(app)
    assert run.returncode == 0, run.stderr


def test_without_aws_cdk_lib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aws_cdk", None)
    with pytest.raises(UsageError, match="pip install aws-cdk-lib"):
        Plugin()


def test_importing_the_module_does_not_import_the_cdk() -> None:
    code = "import sys, mlguard.cdk; sys.exit(bool({'aws_cdk', 'jsii'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('environment="x"', 'there is no environment "x"'),
        ('fail_on="x"', 'there is no severity "x"'),
        ('select=["x"]', '"x" is neither a policy nor a pack'),
    ],
)
def test_a_wrong_argument_is_refused(tmp_path: Path, synthesize: Synthesize, arguments: str, message: str) -> None:
    run = synthesize(bare(tmp_path / "app", f"cdk.Validations.of(app).add_plugins(Plugin({arguments}))"))
    assert run.returncode != 0
    assert message in run.stderr
