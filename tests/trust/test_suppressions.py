"""Suppressions: where they count, and that one which says no truth is a finding of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from mlguard.cli import main
from mlguard.configuration import Configuration
from mlguard.finding import Finding, Report
from mlguard.scan import Options, scan
from mlguard.scan.selection import chosen_policies, known_policies
from mlguard.source import Root

DEAR = 'resource "aws_sagemaker_notebook_instance" "%s" {%s\n  instance_type = "ml.p4d.24xlarge"%s\n}\n'
CHEAP = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.t3.medium"\n}\n'
TEMPLATE = """\
Resources:
  Nb:%s
    Type: AWS::SageMaker::NotebookInstance
%s    Properties:
      InstanceType: ml.p4d.24xlarge
"""
PREMIUM = "premium-accelerator-in-nonproduction"
Scan = Callable[..., Report]


@pytest.fixture
def scanned(tmp_path: Path) -> Scan:
    """Give a function that scans files by the policy of accelerators."""

    def run(files: Mapping[str, str], select: str = PREMIUM, **options: object) -> Report:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        root = Root(tmp_path)
        known = known_policies(root, Configuration())
        chosen = chosen_policies(known, Configuration(), [select])
        return scan(Options(root, policies=chosen, known=known, **options))  # type: ignore[arg-type]

    return run


def told(report: Report) -> list[tuple[str, int]]:
    return [(one.policy.id, one.at.line) for one in report.counted()]


def ignore(*ids: str, more: str = "approved") -> str:
    return f" # mlguard: ignore[{', '.join(ids)}] {more}".rstrip()


@pytest.mark.parametrize(
    "files",
    [
        {"main.tf": DEAR % ("a", "", ignore(PREMIUM))},
        {"main.tf": DEAR % ("a", ignore(PREMIUM), "")},
        {"main.tf": ignore(PREMIUM).strip() + "\n" + DEAR % ("a", "", "")},
        {"main.tf": DEAR % ("a", "\n " + ignore(PREMIUM) + "\n  # and more words", "")},
        {"main.tf": DEAR % ("a", "", ignore("MLG101", "mlg001", PREMIUM.upper()[:0] + PREMIUM))},
        {"t.yaml": TEMPLATE % (ignore(PREMIUM), "")},
        {"t.yaml": (TEMPLATE % ("", "")).replace("24xlarge", "24xlarge" + ignore(PREMIUM))},
        {"t.yaml": TEMPLATE % ("", f"    Metadata: {{mlguard: {{ignore: [{{policy: {PREMIUM}, reason: ok}}]}}}}\n")},
        {
            "main.tf": f'module "m" {{{ignore(PREMIUM)}\n  source = "./m"\n}}\n',
            "m/main.tf": DEAR % ("a", "", ""),
        },
    ],
)
def test_places_that_count(scanned: Scan, files: Mapping[str, str]) -> None:
    report = scanned(files)
    assert [one for one in told(report) if one[0] == PREMIUM] == []
    hidden = [one for one in report.findings if one.suppressed is not None]
    assert [one.policy.id for one in hidden] == [PREMIUM]
    assert sum(len(one.hides) for one in report.ignores) == 1


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (ignore(PREMIUM, more=""), "suppression-without-reason"),
        (ignore(PREMIUM, more="ok -- until 2026-13-01"), "suppression-without-reason"),
        (ignore(PREMIUM, more="ok -- until 2026-11-25"), "suppression-expired"),
        (ignore(PREMIUM + "s"), "suppression-unknown-policy"),
        (ignore("*"), "suppression-unknown-policy"),
        (ignore("accelerators"), "suppression-unknown-policy"),
        (" # mlguard: ignore[] everything", "suppression-unknown-policy"),
        (" # mlguard: ignore everything", "suppression-unknown-policy"),
    ],
)
def test_what_says_no_truth_hides_nothing_and_is_told(scanned: Scan, comment: str, expected: str) -> None:
    report = scanned({"main.tf": DEAR % ("a", "", comment)}, today=date(2026, 11, 26))
    assert {one for one, _ in told(report)} == {PREMIUM, expected}
    assert {line for _, line in told(report)} == {2}


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        (f"[{{policy: {PREMIUM}, reason: ok, until: 2026-11-25}}]", {PREMIUM, "suppression-expired"}),
        (f"[{{policy: {PREMIUM}, reason: ok -- until 2026-11-25}}]", {PREMIUM, "suppression-expired"}),
        (f"[{{policy: {PREMIUM}, reason: ok -- until 2026-11-26}}]", set()),
        (f"[{{policy: [{PREMIUM}], reason: ok}}]", set()),
        (f"{{policy: {PREMIUM}, reason: ok}}", set()),
        (f"[{PREMIUM}]", {PREMIUM, "suppression-without-reason"}),
        (PREMIUM, {PREMIUM, "suppression-without-reason"}),
        ("[{reason: ok}]", {PREMIUM, "suppression-unknown-policy"}),
        ("[7]", {PREMIUM, "suppression-unknown-policy"}),
    ],
)
def test_metadata_says_what_comments_say(scanned: Scan, ignore: str, expected: set[str]) -> None:
    files = {"t.yaml": TEMPLATE % ("", f"    Metadata: {{mlguard: {{ignore: {ignore}}}}}\n")}
    assert {one for one, _ in told(scanned(files, today=date(2026, 11, 26)))} == expected


def test_the_last_day_counts(scanned: Scan) -> None:
    files = {"main.tf": DEAR % ("a", "", ignore(PREMIUM, more="ok -- until 2026-11-26"))}
    assert told(scanned(files, today=date(2026, 11, 26))) == []
    assert told(scanned(files, today=date(2026, 11, 27))) != []


def test_each_id_that_hides_nothing_is_told(scanned: Scan) -> None:
    other = "notebook-without-lifecycle-config"
    report = scanned({"main.tf": DEAR % ("a", "", ignore(PREMIUM, other))})
    assert told(report) == []  # it is not judged, so nobody knows
    report = scanned({"main.tf": CHEAP.replace('medium"', f'medium"{ignore(PREMIUM, other)}')})
    assert [(one.policy.id, one.leaf) for one in report.counted()] == [("suppression-unused", PREMIUM)]
    assert "hides no finding: remove it" in report.findings[0].message


def test_a_comment_of_a_module_is_used_when_any_call_uses_it(scanned: Scan) -> None:
    call = 'module "m" {\n  source = "../m"\n  size = "%s"\n}\n'
    module = 'variable "size" {}\n' + (DEAR % ("a", ignore(PREMIUM), "")).replace('"ml.p4d.24xlarge"', "var.size")
    files = {"m/main.tf": module, "one/main.tf": call % "ml.t3.medium", "two/main.tf": call % "ml.p4d.24xlarge"}
    assert told(scanned(files)) == []
    files["two/main.tf"] = call % "ml.t3.medium"
    assert told(scanned(files)) == [("suppression-unused", 2)]
    assert told(scanned(files, paths=("one",))) == []  # another call may use it


def test_an_undecided_check_uses_an_ignore(scanned: Scan) -> None:
    text = 'variable "size" {}\n' + (DEAR % ("a", ignore(PREMIUM), "")).replace('"ml.p4d.24xlarge"', "var.size")
    assert told(scanned({"main.tf": text})) == []


def test_one_environment_tells_nothing_of_unused_ignores(scanned: Scan) -> None:
    files = {"main.tf": DEAR % ("a", "", ignore(PREMIUM))}
    assert told(scanned(files, environment="production")) == []


def test_nothing_in_the_code_leaves_a_mandatory_policy_out(scanned: Scan) -> None:
    report = scanned({"main.tf": DEAR % ("a", "", ignore(PREMIUM))}, mandatory=frozenset((PREMIUM,)))
    assert {one for one, _ in told(report)} == {PREMIUM, "suppression-of-mandatory-policy"}


def test_two_of_a_kind_in_one_file_have_fingerprints_of_their_own(scanned: Scan) -> None:
    text = f"{ignore(PREMIUM).strip()}\nlocals {{}}\n\n{ignore(PREMIUM).strip()}\nlocals {{}}\n"
    report = scanned({"main.tf": text + CHEAP})
    found: list[Finding] = [one for one in report.findings if one.policy.id == "suppression-unused"]
    assert len({one.fingerprint for one in found}) == len(found) == 2


def test_they_are_policies_like_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["policies", "--format", "json"]) == 0
    listed = {one["id"] for one in json.loads(capsys.readouterr().out)}
    assert {"suppression-unused", "suppression-expired", "baseline-entry-stale"} <= listed
    assert main(["explain", "suppression-expired"]) == 0
    assert "wanted to be asked again" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(CHEAP + ignore("x").strip() + "\n")
    for arguments, code in (
        ((), 1),
        (("--ignore", "suppressions"), 0),
        (("--ignore", "suppression-unknown-policy"), 0),
    ):
        assert main(["scan", "--no-progress", "--select", PREMIUM, *arguments]) == code
