from __future__ import annotations

from collections.abc import Callable

from markdown_it import MarkdownIt

from mlguard.errors import ParseError
from mlguard.finding import Comparison, Finding, Money, Repair, Report
from mlguard.policy.model import Policy, Severity
from mlguard.render.markdown import MAX_CHARACTERS, render
from mlguard.source import Span

MARKDOWN = MarkdownIt("commonmark").enable("table")

EXPECTED = """\
## mlguard: 3 findings (1 critical, 1 high, 1 medium)

at stake: \\$18,433 to \\$29,850 a month, by list prices of 2025-11-04 to 2026-07-20.

### Problems

- `infra/bad.yaml:4`: not YAML: a tab indents
- `big.json`: too large

### Findings

| Severity | Where | Policy | What is wrong | At stake |
| --- | --- | --- | --- | --: |
| critical | `infra/nb.tf:2` | `notebook-instance-type-not-allowed` | ml.p4d.24xlarge is not allowed in dev \
(when Env = prod) | \\$18,433 to \\$29,850 a month |
| high | `infra/nb.tf:1` | `notebook-instance-type-not-allowed` | the whole block |  |
| medium | `infra/nb.tf:1` | `bucket-without-lifecycle` | nothing expires |  |

### How to fix

- `notebook-instance-type-not-allowed`: Choose an allowed type.
- `bucket-without-lifecycle`: Add a rule.

### 3 checks undecided

| Checks | Why only the deployment decides |
| --: | --- |
| 2 | var.size has no value |
| 1 | a remote module is not read |

### 1 finding suppressed

| Where | Policy | Reason |
| --- | --- | --- |
| `infra/nb.tf:2` | `notebook-instance-type-not-allowed` | the team knows |

### Notes

- 1 ignore is unused

3 findings (1 critical, 1 high, 1 medium), 2 problems, 3 checks undecided in 2 projects, 34 resources; \
files: 10 scanned, 1 partly, 2 failed, 3 skipped.
"""


def test_one_of_everything(full_report: Report) -> None:
    assert render(full_report) == EXPECTED


COMPARED = """\
## mlguard: 1 new finding, 1 worse, 1 fixed

| | Findings | At stake a month |
| --- | --: | --: |
| before | 3 | \\$100 to \\$200 |
| **new** | 1 | \\$18,433 to \\$29,850 |
| **worse** | 1 |  |
| fixed | 1 | \\$50.00 to \\$60.00 |
| **after** | 3 | \\$18,433 to \\$29,850 |

Against `main at 1a2b3c4`, by list prices of 2025-11-04 to 2026-07-20.

### Look at this first

- `infra/nb.tf:2`: this change adds an ignore
- less is read

### What the change adds

| Severity | Where | Policy | What is wrong | At stake |
| --- | --- | --- | --- | --: |
| high | `infra/nb.tf:2` | `notebook-instance-type-not-allowed` | ml.p4d.24xlarge is not allowed in dev | \
\\$18,433 to \\$29,850 a month |
| medium | `infra/nb.tf:2` | `notebook-instance-type-not-allowed` | worse: ml.p4d.24xlarge is not allowed in dev \
(was ml.t3.medium) |  |

### How to fix

- `notebook-instance-type-not-allowed`: Choose an allowed type.

### 1 finding fixed
"""


def test_a_compared_run_is_about_the_change(compared_report: Report) -> None:
    text = render(compared_report)
    assert text.startswith(COMPARED)
    assert "as it was" not in text


def test_a_change_that_adds_nothing(make_report: Callable[..., Report]) -> None:
    text = render(make_report(comparison=Comparison("a baseline", (), None, Money())))
    assert text.startswith(
        "## mlguard: no new findings\n\n| | Findings | At stake a month |\n| --- | --: | --: |\n| before | 0 |  |\n"
        "| new | 0 |  |\n"
    )


def test_clean_run_has_no_tables(make_report: Callable[..., Report]) -> None:
    assert render(make_report()) == (
        "## mlguard: 0 findings\n\n0 findings, 0 problems, 0 checks undecided in 1 project, 1 resource; "
        "files: 1 scanned, 0 partly, 0 failed, 0 skipped.\n"
    )


def test_what_does_not_fit_is_counted(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    findings = [make_finding(leaf=str(n), message="|<*" * 1000) for n in range(2000)]
    problems = tuple(ParseError("\U000e0001" * 500, f"f{n}.tf") for n in range(200))
    text = render(make_report(*findings, problems=problems))
    assert len(text) <= MAX_CHARACTERS
    told, rows = text.count("\n- `f"), text.count("\n| high |")
    assert 10 < told <= 20
    assert f"\n... and {200 - told} more problems.\n" in text
    assert f"\n... and {2000 - rows:,} more findings.\n" in text
    assert text.endswith("0 skipped.\n")


def test_many_findings_are_told_by_policy_and_the_worst_listed(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    findings = [make_finding(leaf=str(number)) for number in range(200)]
    worst = make_finding(policy=make_policy(id="other"), severity=Severity.CRITICAL)
    text = render(make_report(*findings, worst))
    assert (
        "### By policy\n\n| Policy | Worst | Findings | At stake a month |\n| --- | --- | --: | --: |\n"
        "| `other` | critical | 1 |  |\n| `notebook-instance-type-not-allowed` | high | 200 |  |\n"
    ) in text
    assert text.count("\n| high |") == 49
    assert "\n... and 151 more findings.\n" in text
    assert "### How to fix\n\n- `other`" in text


def test_hostile_text_adds_no_structure(make_hostile_report: Callable[[str], Report], hostile: str) -> None:
    text = render(make_hostile_report(hostile))
    text.encode("utf-8")
    assert text.replace("\n", "").isprintable()
    tokens = MARKDOWN.parse(text)
    types = [token.type for token in tokens]
    assert types.count("table_open") == 5
    assert types.count("td_open") == 5 * 3 + 5 + 4 + 2 + 3
    assert types.count("heading_open") == 9
    assert types.count("list_item_open") == 2 + 1 + 2 + 1
    inner = [one.type for token in tokens for one in token.children or ()]
    assert inner.count("strong_open") == 2  # ours: worse, after
    assert set(inner) <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}


def test_the_worst_come_first(make_finding: Callable[..., Finding], make_report: Callable[..., Report]) -> None:
    one, two = make_finding(), make_finding(leaf="z", at=Span("infra/nb.tf", 1, 1, 1, 4))
    assert render(make_report(one, two)) == render(make_report(two, one))


def test_a_fix_is_brief(
    make_finding: Callable[..., Finding], make_policy: Callable[..., Policy], make_report: Callable[..., Report]
) -> None:
    fixes = {
        "sentence": "Choose a smaller type (or two):\n\n    type = 1\n",
        "line": "retention_in_days = 14",
        "block": "rule {\n  id = 1\n}\n",
    }
    findings = [
        make_finding(policy=make_policy(id=name, fix_by_hand={"terraform": fix})) for name, fix in fixes.items()
    ]
    findings.append(make_finding(policy=make_policy(id="automatic"), repair=Repair(safe=True, what="abort uploads")))
    assert (
        "### How to fix\n\n- `automatic`: abort uploads (mlguard scan --fix)\n"
        "- `block`: see `mlguard explain block`\n- `line`: `retention_in_days = 14`\n"
        "- `sentence`: Choose a smaller type (or two).\n"
    ) in render(make_report(*findings))
