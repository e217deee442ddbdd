"""The page of a policy, and the list of all: made from the policy's own file."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlguard.bundled import policies_folder
from mlguard.policy.load import read_policy
from mlguard.policy.model import Example, Policy

_LANGUAGES = {"cloudformation": "yaml", "terraform": "hcl"}
_FIXES = (
    ("cloudformation", "CloudFormation", "yaml"),
    ("terraform", "Terraform", "hcl"),
    ("cdk", "CDK (Python)", "python"),
)
_GUARDRAILS = {
    "preventive": "An organization policy can refuse the mistake: `mlguard scp generate` writes it.",
    "protective": (
        "An organization policy can only keep the control from being removed; `mlguard scp generate` writes it."
    ),
    "none": "No organization policy can do anything about it.",
}


def with_examples(policy: Policy) -> Policy:
    """Give the policy with its examples, which are not read for a scan."""
    if policy.examples or not policy.built_in:
        return policy
    return read_policy(policies_folder() / policy.path, policy.path)


def policy_page(policy: Policy) -> str:
    """Give the page of one policy as Markdown."""
    aliases = f" ({', '.join(policy.aliases)})" if policy.aliases else ""
    lines = [
        f"# {policy.id}{aliases}",
        "",
        f"{policy.title}.",
        "",
        f"Severity {policy.severity.label}, pack {policy.pack}, since {policy.since or 'always'}.",
        "",
        "## Why it costs",
        "",
        policy.why,
        "",
    ]
    failing = next((example for example in policy.examples if example.expect == "fail"), None)
    if failing is not None:
        lines += ["## Example", "", *_code(failing), ""]
    lines += ["## Fix", ""]
    for key, title, language in _FIXES:
        if key in policy.fix_by_hand:
            lines += _fix(title, language, policy.fix_by_hand[key])
    lines += ["## Guardrail", "", _GUARDRAILS[policy.guardrail.enforce]]
    if policy.guardrail.limits:
        lines += ["", policy.guardrail.limits]
    if policy.references:
        lines += ["", "## References", "", *(f"- <{reference}>" for reference in policy.references)]
    return "\n".join(lines) + "\n"


def _fix(title: str, language: str, text: str) -> list[str]:
    if "\n" not in text and not text.endswith(("}", ")")):
        return [f"{title}: {text}", ""]
    return [f"{title}:", "", f"```{language}", text, "```", ""]


def _code(example: Example) -> list[str]:
    at = f"Reported at line {example.at}:" if example.at else ""
    return [*([at, ""] if at else []), f"```{_LANGUAGES[example.language]}", example.code.rstrip(), "```"]


def policy_list(policies: Sequence[Policy], form: str) -> str:
    """List policies as text for people, or as JSON."""
    ordered = sorted(policies, key=lambda policy: (policy.pack, policy.id))
    if form == "json":
        rows = [
            {
                "id": policy.id,
                "aliases": list(policy.aliases),
                "title": policy.title,
                "severity": policy.severity.label,
                "pack": policy.pack,
                "guardrail": policy.guardrail.enforce,
                "applies_to": list(policy.applies_to),
            }
            for policy in ordered
        ]
        return json.dumps(rows, indent=2) + "\n"
    width = max(len(policy.id) for policy in ordered)
    lines: list[str] = []
    pack = ""
    for policy in ordered:
        if policy.pack != pack:
            pack = policy.pack
            lines += ["", pack] if lines else [pack]
        lines.append(f"  {policy.id:{width}}  {policy.severity.label:8}  {', '.join(policy.aliases):8}  {policy.title}")
    return "\n".join(lines) + f"\n\n{len(ordered)} policies; `mlguard explain ID` shows one\n"


def policy_table(policies: Sequence[Policy]) -> str:
    """Give the table of policies for README.md and policies/README.md, as Markdown."""
    rows = ["| policy | severity | finds | guardrail |", "| --- | --- | --- | --- |"]
    for policy in sorted(policies, key=lambda one: (one.pack, one.id)):
        name = f"[`{policy.id}`](policies/{policy.path})"
        rows.append(f"| {name} | {policy.severity.label} | {policy.title} | {policy.guardrail.enforce} |")
    return "\n".join(rows) + "\n"
