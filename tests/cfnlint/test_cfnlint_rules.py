"""mlguard's policies as rules of cfn-lint: the same verdicts at the same places, and ids that stay what they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs
from cfnlint.core import get_rules

from mlguard import cfnlint_rules
from mlguard.cfnlint_rules import rule_id
from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.scan.selection import choose
from mlguard.source import Root

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cloudformation"
MODULE = "mlguard.cfnlint_rules"
NOTEBOOK = """\
Parameters:
  Kind: {Type: String, Default: ml.t3.medium}
Resources:
  Bench:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: !Ref Kind
      RoleArn: arn:aws:iam::111111111111:role/research
"""
PARENT = """\
Resources:
  Budget:
    Type: AWS::Budgets::Budget
    Properties:
      Budget: {BudgetType: COST, TimeUnit: MONTHLY, BudgetLimit: {Amount: 10, Unit: USD}}
  Team:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: bench.yaml
      Parameters: {Kind: ml.p3.2xlarge}
"""
OWN = """\
id: no-notebook
title: A notebook
severity: critical
pack: own
applies_to: sagemaker.notebook_instance
require: {name: {exists: true}}
message: "{resource} has no name"
why: It costs.
fix_by_hand: {cloudformation: a, terraform: b, cdk: c}
scp: {enforce: none, limits: none}
"""


class Said(NamedTuple):
    """What a rule of mlguard says of a template."""

    rule: str
    line: int
    column: int
    message: str


def linted(template: Path, ignore: Sequence[str] = ()) -> list[Said]:
    """Give what cfn-lint says by mlguard's rules."""
    matches = lint_file(template, ManualArgs(append_rules=[MODULE], include_checks=["I"], ignore_checks=list(ignore)))
    said = [Said(one.rule.id, one.linenumber, one.columnnumber, one.message) for one in matches]
    return [one for one in said if one.rule[1] == "9"]


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def told(matches: list[Said]) -> set[tuple[str, int]]:
    return {(one.rule, one.line) for one in matches}


def test_the_command_line_of_cfn_lint_takes_the_module() -> None:
    program = "from cfnlint.runner import main; main()"
    command = [sys.executable, "-c", program, "-a", MODULE, "--format", "parseable", "--", "workbench.yaml"]
    run = subprocess.run(command, cwd=FIXTURES, capture_output=True, encoding="utf-8", check=False)
    assert "workbench.yaml:56:3:56:20:E9201:LabellingNotebook has no lifecycle configuration" in run.stdout
    assert not run.stderr


@pytest.mark.parametrize("name", ["workbench.yaml", "serving.json"])
def test_the_verdicts_and_places_are_those_of_a_scan(name: str) -> None:
    report = scan(Options(Root(FIXTURES), (name,), policies=choose(bundled_policies(), (), ())))
    assert report.counted()
    found = {tuple(one) for one in linted(FIXTURES / name)}
    assert found == {
        (
            rule_id(one.policy),
            one.at.line,
            one.at.column,
            f"{one.message} (when {one.when})" if one.when else one.message,
        )
        for one in report.counted()
    }


def test_a_clean_template_stays_clean() -> None:
    assert linted(FIXTURES / "clean.yaml") == []


def test_checks_are_ignored_as_those_of_cfn_lint_are(tmp_path: Path) -> None:
    template = written(tmp_path, {"t.yaml": NOTEBOOK})
    assert told(linted(template)) == {("E9201", 4), ("E9501", 4), ("W9305", 7)}
    assert told(linted(template, ["E9501", "W9"])) == {("E9201", 4)}
    inline = NOTEBOOK.replace(
        "    Type: AWS::S", "    Metadata: {cfn-lint: {config: {ignore_checks: [E9201]}}}\n    Type: AWS::S"
    )
    assert told(linted(written(tmp_path, {"t.yaml": inline}))) == {("E9501", 4), ("W9305", 8)}


def test_an_ignore_of_mlguard_and_the_configuration_count(tmp_path: Path) -> None:
    comment = "  Bench: # mlguard: ignore[notebook-without-lifecycle-config] stopped by hand"
    files = {"t.yaml": NOTEBOOK.replace("  Bench:", comment), ".mlguard.yaml": "budgets: managed_elsewhere\n"}
    assert told(linted(written(tmp_path, files))) == {("W9305", 7)}


def test_a_policy_of_a_users_own_has_one_id(tmp_path: Path) -> None:
    files = {"t.yaml": NOTEBOOK, ".mlguard.yaml": "policies: own\nselect: no-notebook\n", "own/no-notebook.yaml": OWN}
    (match,) = linted(written(tmp_path, files))
    assert (match.rule, match.message) == ("W9000", "no-notebook: Bench has no name")


def test_a_finding_in_a_nested_template_stands_at_its_stack(tmp_path: Path) -> None:
    matches = linted(written(tmp_path, {"t.yaml": PARENT, "bench.yaml": NOTEBOOK}))
    assert told(matches) == {("E9502", 2), ("E9301", 6), ("E9201", 6), ("W9304", 6)}
    assert any(one.message.endswith("(bench.yaml:4)") for one in matches)


def test_what_mlguard_cannot_read_is_said(tmp_path: Path) -> None:
    (match,) = linted(written(tmp_path, {"t.yaml": NOTEBOOK, ".mlguard.yaml": "selct: x\n"}))
    assert match.rule == "E9000"
    assert "selct" in match.message


def test_a_template_is_scanned_once_however_many_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[tuple[str, ...]] = []

    def counted(options: Options) -> object:
        scans.append(options.paths)
        return scan(options)

    monkeypatch.setattr(cfnlint_rules, "scan", counted)
    for name in ("a.yaml", "b.yaml"):
        matches = lint_file(written(tmp_path, {name: NOTEBOOK}), ManualArgs(append_rules=[MODULE]))
        assert {"E9201", "E9501"} <= {match.rule.id for match in matches}
    assert [path for (path,) in scans] == ["a.yaml", "b.yaml"]


def test_no_id_is_that_of_another_or_begins_with_it() -> None:
    others = [rule.id for rule in get_rules([], [], ["I"], include_experimental=True).all_rules.values()]
    own = ["E9000", "W9000", *(rule_id(policy) for policy in bundled_policies())]
    numbers = sorted(one[1:] for one in own[2:])
    assert len(set(numbers)) == len(numbers) == len(bundled_policies())
    for one, following in pairwise(numbers):
        assert not following.startswith(one), "to ignore one would ignore the other"
    assert not set(own) & set(others)
    assert {rule.id for rule in get_rules([MODULE], [], ["I"]).all_rules.values()} >= set(own)


def test_ids_are_made_of_the_catalogue() -> None:
    ids = {policy.aliases[0]: rule_id(policy) for policy in bundled_policies()}
    assert (ids["MLG201"], ids["MLG101"], ids["MLG1001"]) == ("E9201", "W9101", "W91001")


def test_a_scan_does_not_import_cfn_lint() -> None:
    code = "import sys; from mlguard.cli import main; main(sys.argv[1:]); sys.exit('cfnlint' in sys.modules)"
    command = [sys.executable, "-c", code, "scan", "--no-progress", str(FIXTURES)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
