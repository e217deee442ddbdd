"""Only what the change did: new, worse, existing and fixed findings, whatever moves, and what fails a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main

Scratch = Any
"""What `scratch` of this folder's conftest gives."""
PREMIUM = "premium-accelerator-in-nonproduction"
IDLE = "notebook-without-lifecycle-config"
NOTEBOOK = 'resource "aws_sagemaker_notebook_instance" "%s" {\n  instance_type = "%s"%s\n}\n'
P4D, G5 = "ml.p4d.24xlarge", "ml.g5.12xlarge"
BUCKET = 'resource "aws_s3_bucket" "%s" {\n  bucket = "training-%s"\n}\n'
Report = dict[str, Any]
Check = Callable[..., tuple[int, Report]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Give a function that compares the repository with its branch main, by the policies of notebooks."""

    def run(*arguments: str, select: str = IDLE) -> tuple[int, Report]:
        given = ["--select", select, *(arguments or ("--diff-base", "main"))]
        code = main(["scan", "--no-progress", "--format", "json", *given])
        shown = capsys.readouterr()
        assert shown.out, shown.err
        return code, json.loads(shown.out)

    return run


@pytest.fixture
def changed(scratch: Scratch) -> Callable[[Mapping[str, str], Mapping[str, str]], Scratch]:
    """Give a function that commits one state to main and another, whole one, to a branch."""

    def run(before: Mapping[str, str], after: Mapping[str, str]) -> Scratch:
        scratch.commit(before)
        scratch.git("switch", "--quiet", "-c", "topic")
        for name in set(before) - set(after):
            (scratch.folder / name).unlink()
        scratch.commit(after)
        return scratch

    return run


Changed = Callable[[Mapping[str, str], Mapping[str, str]], Scratch]


def statuses(report: Report) -> list[tuple[str, str]]:
    found = [(one["status"], one["resource"].rpartition(".")[2]) for one in report["findings"]]
    return found + [("fixed", one["resource"].rpartition(".")[2]) for one in report["comparison"]["fixed"]]


def test_new_existing_and_fixed(changed: Changed, check: Check) -> None:
    kept, gone, added = (NOTEBOOK % (name, G5, "") for name in ("kept", "gone", "added"))
    changed({"main.tf": kept + gone}, {"main.tf": "# moved down\n\n\n" + added + kept})
    code, report = check()
    assert code == 1
    assert statuses(report) == [("new", "added"), ("existing", "kept"), ("fixed", "gone")]
    money = report["comparison"]["monthly_usd"]
    assert money["added"]["high"] == pytest.approx(money["before"]["high"] / 2)
    assert report["exposure"]["monthly_usd"]["high"] == pytest.approx(money["before"]["high"])


def test_only_what_is_new_fails(changed: Changed, check: Check) -> None:
    changed({"main.tf": NOTEBOOK % ("kept", G5, "")}, {"main.tf": NOTEBOOK % ("kept", G5, "") + BUCKET % ("b", "b")})
    assert check()[0] == 0
    assert check("--fail-on", "low")[0] == 1
    assert check("--diff-base", "main", "--fail-on-exposure", "1")[0] == 0
    assert check("--fail-on", "never", "--fail-on-exposure", "1")[0] == 1


def test_the_exposure_that_fails_is_what_the_change_adds(changed: Changed, check: Check) -> None:
    old, new = NOTEBOOK % ("old", P4D, ""), NOTEBOOK % ("new", "ml.t3.medium", "")
    changed({"main.tf": old}, {"main.tf": old + new})
    exposure = ("--diff-base", "main", "--fail-on", "never", "--fail-on-exposure")
    assert [check(*exposure, limit)[0] for limit in ("1", "1000")] == [1, 0]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (G5, P4D, "worse"),
        (P4D, G5, "existing"),
        ("ml.g5.xlarge", "ml.g4dn.xlarge", "existing"),
    ],
)
def test_what_gets_dearer_is_worse(changed: Changed, check: Check, before: str, after: str, status: str) -> None:
    changed({"main.tf": NOTEBOOK % ("nb", before, "")}, {"main.tf": NOTEBOOK % ("nb", after, "")})
    code, report = check()
    assert statuses(report) == [(status, "nb")]
    assert code == (1 if status == "worse" else 0)
    assert bool(report["findings"][0]["was"]) is (status == "worse")


def test_more_instances_of_one_block_are_worse(changed: Changed, check: Check) -> None:
    one, two = ({"main.tf": NOTEBOOK % ("nb", G5, f"\n  count = {count}")} for count in (1, 2))
    changed(one, two)
    code, report = check()
    assert (code, statuses(report)[0][0]) == (1, "worse")
    assert report["findings"][0]["was"]


def test_one_more_call_of_a_module_is_worse(changed: Changed, check: Check) -> None:
    module = {"m/main.tf": NOTEBOOK % ("nb", G5, "")}
    call = 'module "%s" {\n  source = "../m"\n}\n'
    one, two = call % "one", call % "one" + call % "two"
    changed({**module, "live/main.tf": one}, {**module, "live/main.tf": two})
    code, report = check("--diff-base", "main", "live")
    assert (code, {one["status"] for one in report["findings"]}) == (1, {"worse"})


def test_a_sum_over_the_project_is_not_worse_for_what_is_added(changed: Changed, check: Check) -> None:
    before = NOTEBOOK % ("nb", G5, "")
    changed({"main.tf": before}, {"main.tf": before + NOTEBOOK % ("other", G5, "")})
    _, report = check(select="ml-project-without-budget")
    assert [one["status"] for one in report["findings"]] == ["existing"]


LARGE = NOTEBOOK % ("nb", G5, "") + "".join(f'variable "v{number}" {{}}\n' for number in range(20))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"main.tf": LARGE}, {"notebooks.tf": LARGE}),
        ({"a/main.tf": LARGE}, {"b/c/main.tf": LARGE}),
        ({"a/main.tf": LARGE}, {"b/main.tf": "# in a better place\n" + LARGE.replace("v19", "other")}),
        ({"a.yaml": "Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n"},) * 2,
    ],
)
def test_what_only_moved_is_not_new(
    changed: Changed, check: Check, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    changed(before, after)
    code, report = check()
    assert [status for status, _ in statuses(report)] == ["existing"]
    assert code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a/main.tf": LARGE}, {"a/main.tf": LARGE, "b/main.tf": LARGE}),
        ({"a/main.tf": LARGE}, {"b/main.tf": NOTEBOOK % ("nb", G5, "") + BUCKET % ("x", "x") * 9}),
        ({"main.tf": LARGE}, {"main.tf": LARGE.replace('"nb"', '"renamed"')}),
    ],
)
def test_copies_rewritten_files_and_renamed_resources_are_new(
    changed: Changed, check: Check, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    changed(before, after)
    code, report = check()
    assert "new" in {status for status, _ in statuses(report)}
    assert code == 1


def test_the_base_is_where_the_histories_part(scratch: Scratch, check: Check) -> None:
    scratch.commit({"main.tf": NOTEBOOK % ("old", G5, "")})
    scratch.git("switch", "--quiet", "-c", "topic")
    scratch.commit({"topic.tf": BUCKET % ("b", "b")})
    scratch.git("switch", "--quiet", "main")
    scratch.commit({"main.tf": "", "later.tf": NOTEBOOK % ("later", G5, "")})
    scratch.git("switch", "--quiet", "topic")
    code, report = check()
    assert (code, statuses(report)) == (0, [("existing", "old")])


def test_what_is_not_committed_yet_is_compared_as_well(changed: Changed, check: Check) -> None:
    scratch = changed({"main.tf": ""}, {"main.tf": "locals {}\n"})
    scratch.write({"main.tf": NOTEBOOK % ("nb", G5, ""), "untracked.tf": NOTEBOOK % ("other", G5, "")})
    code, report = check()
    assert (code, statuses(report)) == (1, [("new", "nb"), ("new", "other")])
    assert "git does not keep untracked.tf" in " ".join(report["notes"])


def test_a_parameter_file_of_the_change_is_of_the_change(changed: Changed, check: Check) -> None:
    template = (
        "Parameters:\n  Size: {Type: String}\nResources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n"
        "    Properties:\n      InstanceType: !Ref Size\n"
    )
    values = {size: json.dumps([{"ParameterKey": "Size", "ParameterValue": size}]) for size in (P4D, "ml.t3.medium")}
    before = {"t.yaml": template, "p.json": values["ml.t3.medium"]}
    changed(before, {**before, "p.json": values[P4D]})
    code, report = check("--diff-base", "main", "--parameters", "p.json", select=PREMIUM)
    assert (code, [one["status"] for one in report["findings"]]) == (1, ["new"])


def test_a_parameter_file_that_is_new_stands_for_both(changed: Changed, check: Check) -> None:
    template = {"t.yaml": "Parameters:\n  Size: {Type: String}\nResources:\n  Nb:\n    Type: AWS::SNS::Topic\n"}
    changed(template, {**template, "p.json": '[{"ParameterKey": "Size", "ParameterValue": "x"}]'})
    assert check("--diff-base", "main", "--parameters", "p.json")[0] == 0


def test_a_base_that_cannot_be_read_makes_all_of_it_new(changed: Changed, check: Check) -> None:
    changed({"main.tf": "x {\n", "fine/main.tf": LARGE}, {"main.tf": LARGE, "fine/main.tf": LARGE})
    code, report = check()
    assert (code, sorted(status for status, _ in statuses(report))) == (1, ["existing", "new"])
    assert "cannot be read in full (main.tf" in " ".join(report["notes"])


def test_what_cannot_be_read_now_is_not_fixed(changed: Changed, check: Check) -> None:
    changed({"main.tf": LARGE}, {"main.tf": LARGE + "x {\n"})
    code, report = check()
    assert (code, report["comparison"]["fixed"]) == (2, [])


def test_one_folder_is_compared_alone(changed: Changed, check: Check) -> None:
    changed({"a/main.tf": LARGE, "b/main.tf": LARGE}, {"a/main.tf": LARGE, "c/main.tf": NOTEBOOK % ("c", G5, "")})
    assert statuses(check("--diff-base", "main", "a")[1]) == [("existing", "nb")]
    assert statuses(check("--diff-base", "main", "c")[1]) == [("new", "c")]


def test_several_processes_compare_alike(changed: Changed, check: Check) -> None:
    before = {f"p{number}/main.tf": NOTEBOOK % ("nb", G5, "") for number in range(6)}
    changed(before, {**before, "p7/main.tf": NOTEBOOK % ("nb", P4D, "")})
    one, three = (check("--diff-base", "main", "--jobs", jobs) for jobs in ("1", "3"))
    assert one[0] == three[0] == 1
    for report in (one[1], three[1]):
        report.pop("provenance")
    assert one[1] == three[1]


def baseline(*arguments: str) -> int:
    return main(["baseline", "--select", IDLE, *arguments])


def test_a_baseline_does_the_same_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(NOTEBOOK % ("old", G5, "") + NOTEBOOK % ("gone", G5, ""))
    assert baseline() == 0
    assert "2 findings, $" in capsys.readouterr().out
    text = (tmp_path / ".mlguard.baseline.json").read_text()
    assert text.count("\n    {") == 2
    (tmp_path / "main.tf").write_text("\n" + NOTEBOOK % ("old", G5, "") + NOTEBOOK % ("new", G5, ""))
    code, report = check("--baseline", ".mlguard.baseline.json")
    assert code == 1
    told = {(one["policy"], one["status"], one["resource"]) for one in report["findings"]}
    assert told == {
        (IDLE, "existing", "aws_sagemaker_notebook_instance.old"),
        (IDLE, "new", "aws_sagemaker_notebook_instance.new"),
        ("baseline-entry-stale", "", ""),
    }
    (stale,) = (one for one in report["findings"] if one["policy"] == "baseline-entry-stale")
    assert (stale["path"], stale["line"]) == (".mlguard.baseline.json", 5)
    assert "notebook_instance.gone in main.tf is no more" in stale["message"]
    assert baseline() == 0
    assert "1 added, 1 dropped" in capsys.readouterr().out
    assert check("--baseline", ".mlguard.baseline.json")[0] == 0
    assert baseline() == 0
    again = (tmp_path / ".mlguard.baseline.json").read_text()
    assert baseline() == 0
    assert (tmp_path / ".mlguard.baseline.json").read_text() == again


def test_a_baseline_of_the_base_tells_what_is_generated(
    scratch: Scratch, check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `cdk synth` writes is in no commit: a baseline of the base, ignores and all, stands in for it."""
    ignored = (NOTEBOOK % ("old", G5, "")).replace("{", f"{{ # mlguard: ignore[{IDLE}] agreed", 1)
    scratch.commit({".gitignore": "made\n"})
    scratch.write({"made/main.tf": ignored})
    outside = str(tmp_path / "base.json")
    assert baseline("--no-ignores", "--no-ignore", "--output", outside) == 0
    capsys.readouterr()
    change = ("--diff-base", "main", "--no-new-ignores", "--no-ignore")
    code, report = check(*change)
    assert (code, [one["status"] for one in report["findings"]]) == (1, ["new"])
    assert check(*change, "--baseline", outside)[0] == 0
    scratch.write({"made/main.tf": ignored + ignored.replace('"old"', '"new"')})
    code, report = check(*change, "--baseline", outside)
    assert (code, sorted(one["status"] for one in report["findings"])) == (1, ["existing", "new"])


def test_the_configuration_names_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".mlguard.yaml").write_text(f"select: {IDLE}\nbaseline: ci/accepted.json\n")
    (tmp_path / "ci").mkdir()
    (tmp_path / "main.tf").write_text(NOTEBOOK % ("old", G5, ""))
    assert main(["scan", "--no-progress"]) == 2
    assert "ci/accepted.json: baseline: no such file" in capsys.readouterr().err
    assert main(["baseline"]) == 0
    assert main(["scan", "--no-progress"]) == 0
    assert main(["hook", "main.tf"]) == 0
    (tmp_path / "main.tf").write_text(NOTEBOOK % ("old", P4D, ""))
    assert main(["hook", "main.tf"]) == 1


def test_a_hook_looks_at_some_projects_and_calls_no_entry_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".mlguard.yaml").write_text(f"select: {IDLE}\nbaseline: b.json\nfail_on: info\n")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.tf").write_text(NOTEBOOK % (name, G5, ""))
    assert main(["baseline"]) == 0
    assert main(["hook", "a/main.tf"]) == 0
    assert main(["scan", "--no-progress", "a"]) == 0
    (tmp_path / "b" / "main.tf").write_text("")
    capsys.readouterr()
    assert main(["hook", "a/main.tf"]) == 0
    assert main(["scan", "--no-progress"]) == 1
    assert "baseline-entry-stale" in capsys.readouterr().out


def test_a_baseline_knows_each_instance_and_what_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = NOTEBOOK % ("nb", G5, "\n  count = %d")
    (tmp_path / "main.tf").write_text(text % 2)
    assert baseline() == 0
    entries = json.loads((tmp_path / ".mlguard.baseline.json").read_text())["findings"]
    assert [one["resource"].rpartition(".")[2] for one in entries] == ["nb[0]", "nb[1]"]
    assert entries[0]["monthly_usd"] == entries[1]["monthly_usd"]
    capsys.readouterr()
    given = ("--baseline", ".mlguard.baseline.json")
    for count, code, status in ((2, 0, "existing"), (1, 0, "existing"), (3, 1, "worse")):
        (tmp_path / "main.tf").write_text(text % count)
        found = check(*given, "--ignore", "suppressions")
        assert (found[0], found[1]["findings"][0]["status"]) == (code, status)
    (tmp_path / "main.tf").write_text((text % 2).replace(G5, "ml.g5.48xlarge"))
    assert check(*given)[1]["findings"][0]["was"].startswith("$")


ENTRY = {"policy": IDLE, "path": "main.tf", "project": ".", "resource": "x", "property": "y", "severity": "high"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "b.json:1:1: baseline: not valid JSON"),
        ("[]", "b.json:1:1: baseline: a baseline must be a mapping"),
        ("{}", "reads version 1 of it"),
        ('{"version": 2, "findings": []}', "reads version 1 of it"),
        ('{"version": 1}', '"findings" must be a list'),
        ('{"version": 1, "findings": [], "more": 1}', 'a baseline has no "more"'),
        ('{"version": 1, "findings": [7]}', "an entry must be a mapping"),
        ('{"version": 1, "findings": [{}]}', 'an entry needs "policy"'),
        ('{"version": 1, "version": 1, "findings": []}', "b.json:1"),
        (json.dumps({"version": 1, "findings": [ENTRY, ENTRY]}), "the same mistake is listed twice"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "policy": "*"}]}), "a pattern would hide"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "path": "**/*.tf"}]}), "a pattern would hide"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "resource": "*"}]}), "a pattern would hide"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "policy": "../x"}]}), "is not the id of a policy"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "severity": "dire"}]}), 'there is no severity "dire"'),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "fingerprint": "x"}]}), 'an entry has no "fingerprint"'),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "monthly_usd": "x"}]}), "this must be a number"),
        (json.dumps({"version": 1, "findings": [{**ENTRY, "repeat": -1}]}), "this must be a number"),
        ("[" * 100_000, "b.json:1"),
    ],
)
def test_a_wrong_baseline_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.json").write_text(text)
    (tmp_path / "main.tf").write_text("")
    assert main(["scan", "--no-progress", "--baseline", "b.json"]) == 2
    assert complaint in capsys.readouterr().err


def test_a_baseline_that_is_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real.json").write_text('{"version": 1, "findings": []}')
    (tmp_path / "b.json").symlink_to("real.json")
    (tmp_path / "main.tf").write_text("")
    assert main(["scan", "--no-progress", "--baseline", "b.json"]) == 2
    assert "a symbolic link, not followed" in capsys.readouterr().err


def test_no_baseline_is_written_of_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text("x {\n")
    assert baseline() == 2
    assert "no baseline is written of what cannot be read in full" in capsys.readouterr().err
    assert not (tmp_path / ".mlguard.baseline.json").exists()


def test_odd_names_come_back_from_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a\nb", 'quote"d', "\udcff", "\u202e", "é"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.tf").write_text(NOTEBOOK % ("nb", G5, ""))
    assert baseline() == 0
    capsys.readouterr()
    code, report = check("--baseline", ".mlguard.baseline.json")
    assert (code, {one["status"] for one in report["findings"]}) == (0, {"existing"})


def test_suppressions_are_listed_with_age_and_author(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    ignore = f" # mlguard: ignore[{PREMIUM}] %s -- until 2999-01-01"
    scratch.commit({"main.tf": NOTEBOOK % ("a", P4D, ignore % "agreed")})
    scratch.write(
        {"main.tf": "\n" + NOTEBOOK % ("a", P4D, ignore % "agreed") + NOTEBOOK % ("b", P4D, ignore % "me too")}
    )
    scratch.write({"untracked.tf": NOTEBOOK % ("c", "ml.t3.medium", ignore % "idle")})
    assert main(["suppressions", "--blame", "--format", "json"]) == 0
    first, second, third = json.loads(capsys.readouterr().out)["suppressions"]
    assert (first["author"], first["reason"], first["until"], len(first["hides"])) == ("Ada", "agreed", "2999-01-01", 1)
    assert first["commit"] == scratch.git("rev-parse", "HEAD")
    assert (second["author"], second["commit"], len(second["hides"])) == ("", "", 1)
    assert (third["author"], third["hides"], third["faults"] != []) == (None, [], True)
    assert main(["suppressions", "--blame"]) == 0
    shown = capsys.readouterr().out
    for part in (
        f"main.tf:3  {PREMIUM}\n",
        "reason: agreed\n",
        "until: 2999-01-01\n",
        f"hides: {PREMIUM} of aws_sagemaker_notebook_instance.a ($",
        "by: Ada, ",
        "by: not committed yet\n",
        "3 suppressions, 1 of them hiding nothing; 2 findings hidden",
    ):
        assert part in shown
    assert main(["suppressions"]) == 0
    assert "by: " not in capsys.readouterr().out
