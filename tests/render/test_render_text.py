from __future__ import annotations

import re
from collections.abc import Callable

from mlguard.errors import ParseError
from mlguard.finding import Finding, Part, Report, Undecided
from mlguard.policy.model import Policy, Severity
from mlguard.render.text import render
from mlguard.source import Document, Span

EXPECTED = """\
infra/nb.tf:1:10  medium  bucket-without-lifecycle  nothing expires
  |
1 | resource "aws_sagemaker_notebook_instance" "nb" {
  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = why: Storage grows.
  = fix: Add a rule.

infra/nb.tf:1:10  high  notebook-instance-type-not-allowed  the whole block
  |
1 | resource "aws_sagemaker_notebook_instance" "nb" {
  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = why: A notebook is billed for every hour that it is in service.
  = fix: Choose an allowed type:
      instance_type = "ml.t3.medium"
  = guardrail: an SCP prevents it: mlguard scp generate

infra/nb.tf:2:2  critical  notebook-instance-type-not-allowed  ml.p4d.24xlarge is not allowed in dev
  |
2 |     instance_type = "ml.p4d.24xlarge" # 世界
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = when: Env = prod
  = called here: main.tf:3:1
  = at stake: $18,433 to $29,850 a month: ml.p4d.24xlarge, 730 h x $25.25 in us-east-1 to $40.89 in
    sa-east-1 (derived)
  = fix: as above; mlguard explain notebook-instance-type-not-allowed

problem  infra/bad.yaml:4:2: not YAML: a tab indents
problem  big.json: too large

3 checks need a value that only the deployment decides:
  2 x var.size has no value
  1 x a remote module is not read

1 finding is suppressed; --verbose lists them with their reasons

note: 1 ignore is unused

at stake: $18,433 to $29,850 a month, by list prices of 2025-11-04 to 2026-07-20

3 findings (1 critical, 1 high, 1 medium), 2 problems, 3 checks undecided in 2 projects, 34 resources; \
files: 10 scanned, 1 partly, 2 failed, 3 skipped
"""


def test_one_of_everything(full_report: Report) -> None:
    assert render(full_report) == EXPECTED


def test_verbose_lists_undecided_checks_and_suppressions(full_report: Report) -> None:
    text = render(full_report, verbose=True)
    assert (
        "  2 x var.size has no value\n"
        "      infra/nb.tf:1:10  bucket-without-lifecycle  aws_s3_bucket.a\n"
        "      infra/nb.tf:2:2  bucket-without-lifecycle  aws_s3_bucket.b\n"
        "  1 x a remote module is not read\n"
        "      infra/nb.tf:1:10  bucket-without-lifecycle\n"
    ) in text
    assert ("1 finding is suppressed:\n  infra/nb.tf:2:2  notebook-instance-type-not-allowed  the team knows\n") in text


def test_color_adds_nothing_but_color(full_report: Report) -> None:
    colored = render(full_report, color=True)
    assert "\x1b[1;35mcritical\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == EXPECTED


def test_only_what_the_change_made_is_shown(compared_report: Report) -> None:
    text = render(compared_report)
    assert "  = change: new\n" in text
    assert "  = change: worse, was ml.t3.medium\n" in text
    assert "as it was" not in text
    assert text.endswith(
        "1 finding is older than this change; --verbose shows them\n"
        "\n"
        "this change bears on the check itself:\n"
        "  infra/nb.tf:2: this change adds an ignore\n"
        "  less is read\n"
        "\n"
        "1 finding is suppressed; --verbose lists them with their reasons\n"
        "\n"
        "at stake: $18,433 to $29,850 a month, by list prices of 2025-11-04 to 2026-07-20\n"
        "                $100 to $200  before this change\n"
        "          $18,433 to $29,850  added by this change\n"
        "\n"
        "1 new, 1 worse, 1 existing, 1 fixed against main at 1a2b3c4\n"
        "3 findings (2 high, 1 medium), 0 problems, 0 checks undecided in 1 project, 1 resource; "
        "files: 1 scanned, 0 partly, 0 failed, 0 skipped\n"
    )
    assert "  as it was\n" in render(compared_report, verbose=True)


def test_a_message_that_does_not_fit_stands_below(
    make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    text = render(make_report(make_finding(message="word " * 30 + "end")), width=60)
    assert text.startswith(f"infra/nb.tf:2:2  high  notebook-instance-type-not-allowed\n  {'word ' * 10}word\n  word")
    assert max(map(len, text.split("  |")[0].splitlines())) <= 60


def test_code_of_a_fix_is_not_wrapped(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    code = f"aws_thing(\n    {', '.join(['argument = 1'] * 12)}\n)"
    policy = make_policy(fix_by_hand={"terraform": f"Add this and the other thing as well:\n{code}"})
    text = render(make_report(make_finding(policy=policy)), width=60)
    assert "".join(f"      {line}\n" for line in code.splitlines()) in text


def test_many_findings_are_counted_by_policy(
    make_finding: Callable[..., Finding],
    make_part: Callable[..., Part],
    make_policy: Callable[..., Policy],
    make_report: Callable[..., Report],
) -> None:
    other = make_policy(id="other", severity=Severity.CRITICAL)
    findings = [make_finding(leaf=str(number), exposure=(make_part(),)) for number in range(5)]
    text = render(make_report(*findings, make_finding(policy=other, severity=Severity.CRITICAL)))
    assert (
        "by policy:\n"
        "  1  critical                              other\n"
        "  5  high              $18,433 to $29,850  notebook-instance-type-not-allowed\n"
    ) in text
    assert "by policy:" not in render(make_report(*findings))


def test_projects_beyond_the_dearest_are_counted(
    make_finding: Callable[..., Finding], make_part: Callable[..., Part], make_report: Callable[..., Report]
) -> None:
    parts = [make_part(project=f"p{number:02}", low=0, high=1000.0 - number) for number in range(12)]
    text = render(make_report(*(make_finding(leaf=part.project, exposure=(part,)) for part in parts)))
    assert "                  up to $991  p09\n" in text
    assert "                              and 2 more projects, at most $990 each\n" in text


def test_clean_run_is_one_line(make_report: Callable[..., Report]) -> None:
    assert render(make_report()) == (
        "0 findings, 0 problems, 0 checks undecided in 1 project, 1 resource; "
        "files: 1 scanned, 0 partly, 0 failed, 0 skipped\n"
    )


def test_paths_get_the_prefix(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    report = make_report(make_finding(), problems=(ParseError("no", "b.tf", 3),), display_prefix="live")
    text = render(report)
    assert text.startswith("live/infra/nb.tf:2:2  high")
    assert "2 |     instance_type" in text
    assert "problem  live/b.tf:3: no\n" in text


def test_fix_is_that_of_the_language(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    template = make_finding(resource_type="AWS::SageMaker::NotebookInstance", at=Span("t.yaml", 1, 1, 1, 2))
    construct = make_finding(resource_type="AWS::SageMaker::NotebookInstance", construct="Stack/Nb", leaf="b")
    text = render(make_report(template, construct))
    assert "= fix: Set `InstanceType` to an allowed type." in text
    assert "= fix: Choose an allowed type:" in text  # its file is Terraform, whatever its construct says


def test_cdk_without_a_text_of_its_own_uses_the_template(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    policy = make_policy(fix_by_hand={"cloudformation": "In the template."})
    at = Span("cdk.out/App.template.json", 1, 1, 1, 2)
    finding = make_finding(policy=policy, at=at, resource_type="AWS::SageMaker::NotebookInstance")
    assert "= fix: In the template." in render(make_report(finding))


def test_only_ten_reasons_without_verbose(
    make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    at = Span("a.tf", 1, 1, 1, 2)
    report = make_report(undecided=tuple(Undecided(make_policy(), f"var.v{n:02}", at, "", "") for n in range(12)))
    text = render(report)
    assert text.count(" x var.v") == 10
    assert "  and 2 more reasons; --verbose lists every check\n" in text
    assert render(report, verbose=True).count(" x var.v") == 12


def test_lines_of_detail_are_wrapped(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    finding = make_finding(policy=make_policy(why="word " * 60, fix_by_hand={}))
    lines = render(make_report(finding), width=50).splitlines()
    why = next(number for number, line in enumerate(lines) if "= why:" in line)
    assert all(len(line) <= 50 for line in lines[why : why + 5])
    assert lines[why + 1].startswith("    word")


def test_no_line_begins_with_input(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    report = make_hostile_report(hostile)
    for width in (40, 100):
        text = render(report, width=width, verbose=True)
        text.encode("utf-8")
        for line in text.splitlines():
            assert line.isprintable()
            assert not line.lstrip().startswith("::")
            assert not re.search(r"##[a-z]*\[", line, re.IGNORECASE)
        assert text.replace("\n", "").isprintable()


def test_wrapped_policy_text_begins_no_command(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    policy = make_policy(why="x" * 60 + " ::error::pwned " + "y" * 60, fix_by_hand={"terraform": "a\n  ::error::b"})
    text = render(make_report(make_finding(policy=policy)), width=50)
    assert r"\x3a:error::pwned" in text
    assert r"\x3a:error::b" in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_same_text_whatever_the_order(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    one, two = make_finding(), make_finding(leaf="z", at=Span("infra/nb.tf", 1, 1, 1, 4))
    assert render(make_report(one, two)) == render(make_report(two, one))


def test_many_findings_on_one_long_line(
    make_finding: Callable[..., Finding], make_report: Callable[..., Report]
) -> None:
    text = "{" + "x" * 1_000_000 + "}"
    findings = [make_finding(at=Span("a.json", 1, n, 1, n + 3), leaf=str(n)) for n in range(1, 300)]
    shown = render(make_report(*findings, documents={"a.json": Document("a.json", text)}))
    assert max(map(len, shown.splitlines())) < 200
