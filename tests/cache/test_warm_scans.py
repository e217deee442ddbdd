from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlguard.cache.store import Disk
from mlguard.parse.terraform import Variables
from mlguard.policy.load import bundled_policies
from mlguard.record import replace
from mlguard.scan import Options, scan
from mlguard.scan.judging import Judge, Outcome
from mlguard.scan.units import Unit
from mlguard.source import Root

Report = Callable[..., str]
NOTEBOOK = """
resource "aws_sagemaker_notebook_instance" "{name}" {{
  name          = "{name}"
  role_arn      = "arn:aws:iam::123456789012:role/x"
  instance_type = "ml.p4d.24xlarge"
}}
"""


OWN = """
id: notebook-tagged
title: Notebook that nothing stops
severity: {severity}
pack: own
applies_to: sagemaker.notebook_instance
require: {{stops_after_seconds: {{exists: true}}}}
message: "{{resource}} is stopped by nothing"
why: It costs.
fix_by_hand: {{cloudformation: Stop it., terraform: Stop it., cdk: Stop it.}}
scp: {{enforce: none, limits: none}}
"""


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give a list that fills with the paths of the units that are judged."""
    paths: list[str] = []
    outcome = Judge.outcome

    def noting(judge: Judge, unit: Unit) -> Outcome:
        paths.append(unit.path)
        return outcome(judge, unit)

    monkeypatch.setattr(Judge, "outcome", noting)
    return paths


@pytest.mark.parametrize("options", [(), ("--select", "strict"), ("--environment", "production", "--jobs", "2")])
def test_a_warm_scan_tells_the_same(kept: Path, report: Report, options: Sequence[str]) -> None:
    cold = report(*options, "--no-cache")
    assert not kept.exists()
    assert report(*options) == cold
    assert list(kept.iterdir())
    assert report(*options) == cold


def test_a_warm_scan_judges_only_what_changed(code: Path, report: Report, judged: list[str]) -> None:
    report()
    everything = set(judged)
    judged.clear()
    report()
    again = set(judged)
    assert len(again) < len(everything) / 5, "only what has a problem is looked at anew"
    judged.clear()
    with (code / "terraform" / "gpu-platform" / "main.tf").open("a", encoding="utf-8") as file:
        file.write(NOTEBOOK.format(name="added"))
    assert "added" in report()
    assert set(judged) == again | {"terraform/gpu-platform"}


def test_a_change_of_a_module_reaches_those_that_call_it(code: Path, report: Report) -> None:
    for name in ("a", "b"):
        (code / name).mkdir()
        (code / name / "main.tf").write_text(f'module "m" {{\n  source = "../shared"\n  name = "{name}"\n}}\n', "utf-8")
    (code / "shared").mkdir()
    (code / "shared" / "main.tf").write_text('variable "name" {}\n', "utf-8")
    report()
    (code / "shared" / "more.tf").write_text(NOTEBOOK.format(name="below"), "utf-8")
    warm = report()
    assert warm == report("--no-cache")
    assert warm.count('"module.m.aws_sagemaker_notebook_instance.below"') >= 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".mlguard.yaml", "ignore: [auto-shutdown]\n"),
        ("terraform/gpu-platform/.mlguard.yaml", "parameters: {max_idle_seconds: 60}\n"),
        ("terraform/gpu-platform/terraform.tfvars", 'region = "eu-central-2"\n'),
        ("terraform/gpu-platform/z_override.tf", NOTEBOOK.format(name="late")),
    ],
)
def test_a_file_that_was_not_there_counts(code: Path, report: Report, name: str, text: str) -> None:
    before = report()
    (code / name).write_text(text, "utf-8")
    warm = report()
    assert warm == report("--no-cache")
    (code / name).unlink()
    assert report() == before


def test_an_ignore_with_a_day_ends_on_that_day(code: Path, kept: Path) -> None:
    (code / "a.tf").write_text(
        "# mlguard: ignore[notebook-without-lifecycle-config] we know -- until 2030-01-31" + NOTEBOOK.format(name="a"),
        "utf-8",
    )
    options = Options(Root(code), policies=bundled_policies(), known=bundled_policies(), store=Disk(kept))
    for day in (date(2030, 1, 31), date(2030, 2, 1), date(2030, 1, 31)):
        hidden = [
            one
            for one in scan(replace(options, today=day)).findings
            if one.suppressed is not None and one.at.path == "a.tf"
        ]
        assert bool(hidden) is (day == date(2030, 1, 31))


def test_what_the_user_says_counts(report: Report) -> None:
    for options in (("--environment", "sandbox"), ("--region", "eu-central-2"), ("--no-ignores",), ("--select", "gpu")):
        report()
        assert report(*options) == report(*options, "--no-cache")


def test_parameter_files_count(code: Path, report: Report) -> None:
    for stage in ("dev", "prod"):
        (code / "given.json").write_text(f'{{"Parameters": {{"Stage": "{stage}"}}}}', "utf-8")
        told = ("--parameters", "given.json", "--parameter", "Size=1")
        assert report(*told) == report(*told, "--no-cache") == report(*told)


def test_what_cannot_be_written_down_is_not_remembered(code: Path, kept: Path) -> None:
    options = Options(Root(code), policies=bundled_policies(), known=bundled_policies(), store=Disk(kept))
    told = scan(replace(options, variables=Variables(belongs=lambda _folder: True)))
    assert told.findings
    assert not kept.exists()


def test_own_policies_count(code: Path, report: Report) -> None:
    (code / ".mlguard.yaml").write_text("policies: [own]\n", "utf-8")
    (code / "own").mkdir()
    own = code / "own" / "tagged.yaml"
    for severity in ("low", "high"):
        own.write_text(OWN.format(severity=severity), "utf-8")
        warm = report("--select", "notebook-tagged")
        assert f'"severity": "{severity}"' in warm
        assert warm == report("--select", "notebook-tagged", "--no-cache")


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("drop", "move", "copy", "append", "break")), st.integers(0, 10_000), st.integers(0, 10_000)
    ),
    min_size=1,
    max_size=3,
)


def changed(folder: Path, step: tuple[str, int, int]) -> None:
    """Change one file of a folder: what to do, to which one, and what with."""
    what, number, other = step
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    path = paths[number % len(paths)]
    same = [one for one in paths if one.suffix == path.suffix]
    if what == "drop":
        path.unlink()
    elif what == "move":
        path.rename(path.with_name(f"moved-{path.name}"))
    elif what == "copy":
        path.write_bytes(same[other % len(same)].read_bytes())
    elif what == "append":
        path.write_bytes(path.read_bytes() + same[other % len(same)].read_bytes())
    else:
        path.write_bytes(path.read_bytes()[: other % (path.stat().st_size + 1)])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_changes_is_seen(code: Path, report: Report, steps: list[tuple[str, int, int]]) -> None:
    """Change files at random, one step after the other, and compare each warm scan with one that knows nothing."""
    for step in steps:
        changed(code, step)
        assert report() == report("--no-cache")
