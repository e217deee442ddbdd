"""What to tell a person beside the message: where it is, why it matters, how to mend it, what would have stopped it."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.finding import Finding, Report
from mlguard.patterns import lazy_pattern
from mlguard.policy.model import Policy
from mlguard.resource import Dialect

_TERRAFORM_FILES = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars")
_PROGRAM_FILES = (".ts", ".tsx", ".js", ".mjs", ".py", ".java", ".cs", ".go")
_JOB_IN_TERRAFORM = lazy_pattern(r"(?:module\.[^/]+\.)?(?:aws|awscc)_[a-z0-9_]+\.[^/]+/")
_PARAGRAPH = lazy_pattern(r"\n[ \t]*\n")


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


def fix_by_mlguard(finding: Finding) -> str:
    """Say what mlguard itself can do about the finding and by which command, empty where it can do nothing."""
    repair = finding.repair
    if repair is None or repair.refused:
        return ""
    return f"{repair.what} (mlguard scan --fix{'' if repair.safe else ' --unsafe-fixes'})"


def first_paragraph(text: str) -> str:
    """Give a text's first paragraph on one line."""
    return " ".join(_PARAGRAPH.split(text.strip(), maxsplit=1)[0].split())


def fix_in_brief(finding: Finding) -> str:
    """Give the fix on one line: what mlguard can do, else the first sentences or the only line of code."""
    automatic = fix_by_mlguard(finding)
    if automatic:
        return automatic
    blocks = fix_blocks(fix_by_hand(finding))
    if not blocks:
        return ""
    is_code, text = blocks[0]
    if is_code and "\n" in text:
        return f"see `mlguard explain {finding.policy.id}`"
    if is_code:
        return text.strip() if "`" in text else f"`{text.strip()}`"
    brief = first_paragraph(text)
    return f"{brief[:-1]}." if brief.endswith(":") else brief


_SENTENCE = lazy_pattern(r"[A-Z][a-z]+ [a-z]+\b")
_CODE = lazy_pattern(r"[\w.-]+:(?: |$)|[-#<\"]")


def fix_blocks(text: str) -> list[tuple[bool, str]]:
    """Tell the code of a fix from its sentences: give blocks of lines, and whether each is code."""
    blocks: list[tuple[bool, list[str]]] = []
    unfinished = False  # the last line of a sentence that goes on
    for line in text.strip("\n").splitlines():
        bare, within = line.strip(), bool(blocks) and blocks[-1][0]
        if not bare:
            unfinished = False
        else:
            is_code = line[0] in " \t" or (not unfinished and _is_code(bare, within=within))
            unfinished = not is_code and not bare.endswith((".", ":", ";"))
            if not blocks or is_code != within:
                blocks.append((is_code, []))
        if blocks:
            blocks[-1][1].append(line.rstrip())
    return [(is_code, "\n".join(_at_margin(lines)).rstrip("\n")) for is_code, lines in blocks]


def _at_margin(lines: Sequence[str]) -> list[str]:
    """Take off the indentation that all lines share."""
    shared = min(len(line) - len(line.lstrip()) for line in lines if line)
    return [line[shared:] for line in lines]


def _is_code(line: str, *, within: bool) -> bool:
    """Judge a line that is not indented; `within` code, what is no sentence belongs to it."""
    if _SENTENCE.match(line) or (line.endswith(".") and not line.startswith("#")):
        return False
    return within or bool(_CODE.match(line)) or any(sign in line for sign in "=(){}[]")


def paragraphs(text: str) -> list[str]:
    """Give each paragraph of a text on one line."""
    return [" ".join(part.split()) for part in _PARAGRAPH.split(text.strip()) if part.strip()]


def has_guardrail(policy: Policy) -> bool:
    """Tell whether an organization policy can stop the mistake or protect what stops it."""
    return policy.guardrail.enforce != "none"
