"""What to tell a person beside the message: where it is, why it matters, how to mend it, what would have stopped it."""

from __future__ import annotations

import re

from mlguard.finding import Finding, Report
from mlguard.policy.model import Policy
from mlguard.resource import Dialect

_TERRAFORM_FILES = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars")
_PROGRAM_FILES = (".ts", ".tsx", ".js", ".mjs", ".py", ".java", ".cs", ".go")
_JOB_IN_TERRAFORM = re.compile(r"(?:module\.[^/]+\.)?(?:aws|awscc)_[a-z0-9_]+\.[^/]+/")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def shown_path(report: Report, path: str) -> str:
    """Give a path as the user would write it: below the folder that was scanned."""
    prefix = report.display_prefix
    if not prefix or not path:
        return path
    return f"{prefix}{path}" if prefix.endswith("/") else f"{prefix}/{path}"


def repository_path(report: Report, path: str) -> str:
    """Give a path as the repository knows it: an absolute one names the machine, one with `..` helps no reader."""
    shown = shown_path(report, path)
    return path.lstrip("/") if shown.startswith("/") or ".." in shown.split("/") else shown


def dialect(finding: Finding) -> Dialect:
    """Tell in which language a person mends the finding: templates that a CDK application makes are not edited."""
    path = finding.at.path
    of_terraform = finding.resource_type.startswith(("aws_", "awscc_")) or _JOB_IN_TERRAFORM.match(finding.resource)
    if of_terraform or path.endswith(_TERRAFORM_FILES):
        return "terraform"
    synthesized = path.endswith(".template.json") or f"/{path}".find("/cdk.out/") >= 0
    if finding.construct or synthesized or path.endswith(_PROGRAM_FILES):
        return "cdk"
    return "cloudformation"


def fix_language(finding: Finding) -> Dialect:
    """Tell in which language the fix is written: without a text for CDK, the template's says what to come to."""
    language = dialect(finding)
    return "cloudformation" if language == "cdk" and language not in finding.policy.fix_by_hand else language


def fix_by_hand(finding: Finding) -> str:
    """Give the text that tells how to mend the finding by hand, empty when the policy has none that fits."""
    return finding.policy.fix_by_hand.get(fix_language(finding), "").strip()


def first_paragraph(text: str) -> str:
    """Give a text's first paragraph on one line."""
    return " ".join(_PARAGRAPH.split(text.strip(), maxsplit=1)[0].split())


def fix_in_brief(finding: Finding) -> str:
    """Give the first paragraph of the fix on one line, without the code that may follow it."""
    brief = first_paragraph(fix_by_hand(finding))
    return f"{brief[:-1]}." if brief.endswith(":") else brief


def paragraphs(text: str) -> list[str]:
    """Give each paragraph of a text on one line."""
    return [" ".join(part.split()) for part in _PARAGRAPH.split(text.strip()) if part.strip()]


def has_guardrail(policy: Policy) -> bool:
    """Tell whether an organization policy can stop the mistake or protect what stops it."""
    return policy.guardrail.enforce != "none"
