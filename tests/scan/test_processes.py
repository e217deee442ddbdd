"""Several processes make what one makes; one that ends is a problem of what it was at, and no hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.finding import Report
from mlguard.render import renderer
from mlguard.scan import Options, scan, workers
from mlguard.scan.judging import Judge, Outcome
from mlguard.scan.units import Unit, outer_folders, outermost
from mlguard.source import Root

FIXTURES = Path(__file__).parents[2] / "fixtures"
METHODS = ["fork", "spawn"] if sys.platform != "win32" else ["spawn"]
NOTEBOOK = 'resource "aws_sagemaker_notebook_instance" "n" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'


@pytest.fixture
def report_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    """Give a function that scans a folder in so many processes."""

    def run(folder: Path, jobs: int, method: str = "fork") -> Report:
        monkeypatch.setattr(workers, "_method", lambda: method)
        from mlguard.configuration import Configurations  # noqa: PLC0415
        from mlguard.scan.selection import Selection  # noqa: PLC0415

        root = Root(folder)
        configurations = Configurations(root)
        selection = Selection(root, configurations)
        terms = selection("")
        return scan(
            Options(
                root,
                policies=terms.policies,
                known=terms.known,
                configuration=terms.configuration,
                configurations=configurations,
                terms_of=selection,
                jobs=jobs,
            )
        )

    return run


def written(report: Report) -> str:
    return "".join(renderer(name)(report) for name in ("json", "sarif", "text"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("part", ["cloudformation", "terraform", "cdk"])
def test_the_report_does_not_depend_on_the_number_of_processes(
    report_of: Callable[..., Report], method: str, part: str
) -> None:
    alone = written(report_of(FIXTURES / part, 1))
    assert written(report_of(FIXTURES / part, 3, method)) == alone


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("method", METHODS)
def test_configurations_of_folders_and_shared_budgets_reach_every_process(
    report_of: Callable[..., Report], tmp_path: Path, method: str
) -> None:
    budget = 'resource "aws_budgets_budget" "b" {\n  budget_type = "COST"\n  limit_amount = "9"\n'
    budget += '  time_unit = "MONTHLY"\n}\n'
    write(
        tmp_path,
        {
            **{f"p{number}/main.tf": NOTEBOOK for number in range(6)},
            "p0/.mlguard.yaml": "select: [ml-project-without-budget]\nbudgets: repository\n",
            "p1/.mlguard.yaml": "select: [ml-project-without-budget]\n",
            "p2/.mlguard.yaml": "fail_on: critical\n",
            "budgets/main.tf": budget,
        },
    )
    alone, together = report_of(tmp_path, 1), report_of(tmp_path, 3, method)
    assert written(alone) == written(together)
    by_project: dict[str, list[str]] = {}
    for finding in together.findings:
        by_project.setdefault(finding.project, []).append(finding.policy.id)
    assert by_project["p1"] == ["ml-project-without-budget"]
    assert "ml-project-without-budget" in by_project["p2"]
    assert "p0" not in by_project
    assert next(one.fail_on.label for one in together.findings if one.project == "p2") == "critical"


def _deadly(outcome: Callable[[Judge, Unit], Outcome]) -> Callable[[Judge, Unit], Outcome]:
    def end_or_judge(judge: Judge, unit: Unit) -> Outcome:
        if unit.path == "p3":
            os.kill(os.getpid(), signal.SIGKILL)
        if unit.path == "p4":
            os._exit(7)
        return outcome(judge, unit)

    return end_or_judge


@pytest.mark.skipif(sys.platform == "win32", reason="processes are made as copies, which know of the fault")
def test_a_process_that_ends_is_a_problem_of_its_project(
    report_of: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"p{number}/main.tf": NOTEBOOK for number in range(8)})
    expected = {one.project for one in report_of(tmp_path, 1).findings} - {"p3", "p4"}
    monkeypatch.setattr(Judge, "outcome", _deadly(Judge.outcome))
    report = report_of(tmp_path, 2)
    assert {one.project for one in report.findings} == expected
    told = [(one.path, one.message.partition(" (")[0]) for one in report.problems]
    assert told == [
        ("p3", "the process that checked this was ended by signal 9"),
        ("p4", "the process that checked this ended with code 7"),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are made as copies, which know of the fault")
def test_what_judging_raises_is_raised(
    report_of: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"p{number}/main.tf": NOTEBOOK for number in range(4)})

    def fault(_judge: Judge, unit: Unit) -> Outcome:
        raise ZeroDivisionError(unit.path)

    monkeypatch.setattr(Judge, "outcome", fault)
    with pytest.raises(ZeroDivisionError, match="p0"):
        report_of(tmp_path, 2)


def heed_interrupts() -> None:
    """Undo what a shell does to the commands that it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_an_interrupt_leaves_nobody_behind(tmp_path: Path) -> None:
    write(tmp_path, {f"p{number}/main.tf": NOTEBOOK for number in range(1_500)})
    command = [sys.executable, "-m", "mlguard", "scan", "--jobs", "2", "--no-progress", "."]
    run = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509  (there are no threads)
    )
    children: list[str] = []
    while run.poll() is None and len(children) < 2:
        time.sleep(0.02)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split() if run.poll() is None else []
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to everyone in the foreground
    _, error = run.communicate(timeout=60)
    assert run.returncode == 2
    assert error == b"mlguard: interrupted\n"
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_templates_that_others_nest_do_not_stand_for_themselves() -> None:
    files = {"a": ["a", "b"], "c": ["c", "d"], "d": ["d", "c"]}
    assert outermost(["a", "b", "c", "d", "e"], files) == ["a", "e", "c"]


def test_outer_folders() -> None:
    assert outer_folders(["a", "a/b", "c/d", "c/d/e"]) == ["a", "c/d"]
    assert outer_folders(["", "a"]) == [""]
