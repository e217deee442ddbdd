"""The page of a policy, and the list of all: made from the policy's own file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mlguard.bundled import policies_folder
from mlguard.policy.load import read_policy
from mlguard.policy.model import Example, Fix, Policy

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

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def with_examples(policy: Policy) -> Policy:
    """Give the policy with its examples, which are not read for a scan."""
    if policy.examples or not policy.built_in or not policy.path:
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
        f"Severity {policy.severity.label}, pack {policy.pack}, {_judged(policy)}, since {policy.since or 'always'}.",
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
    lines += _by_mlguard(policy)
    lines += ["## Guardrail", "", _GUARDRAILS[policy.guardrail.enforce]]
    if policy.guardrail.limits:
        lines += ["", policy.guardrail.limits]
    if policy.references:
        lines += ["", "## References", "", *(f"- <{reference}>" for reference in policy.references)]
    return "\n".join(lines) + "\n"


def _judged(policy: Policy) -> str:
    return "recommended" if policy.recommended else "judged only when it is selected"


def _fix(title: str, language: str, text: str) -> list[str]:
    if "\n" not in text and not text.endswith(("}", ")")):
        return [f"{title}: {text}", ""]
    return [f"{title}:", "", f"```{language}", text, "```", ""]


def _by_mlguard(policy: Policy) -> list[str]:
    """Say what `mlguard scan --fix` does; what it fills in stands there by its name."""
    if not policy.fixes:
        return []
    options = {True: "`mlguard scan --fix`", False: "`mlguard scan --fix --unsafe-fixes`"}
    told = [f"- {_done(fix)} ({options[fix.safe]})" for fix in policy.fixes]
    return ["Where the place is certain, mlguard writes it:", "", *dict.fromkeys(told), ""]


def _done(fix: Fix) -> str:
    return _PLACEHOLDER.sub(r"`\1`", fix.what)


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
                "recommended": policy.recommended,
                "exposure": policy.exposure,
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
        mark = " " if policy.recommended else "-"
        names = ", ".join(policy.aliases)
        lines.append(f"{mark} {policy.id:{width}}  {policy.severity.label:8}  {names:8}  {policy.title}")
    lines += ["", f"{len(ordered)} policies; those marked - are judged only when they are selected.", ""]
    return "\n".join([*lines, "`mlguard explain ID` shows one."]) + "\n"


def policy_tables(policies: Sequence[Policy]) -> str:
    """Give a table of policies for each pack, as Markdown that stands beside their folders."""
    packs: dict[str, list[Policy]] = {}
    for policy in sorted(policies, key=lambda one: (one.pack, one.id)):
        packs.setdefault(policy.pack, []).append(policy)
    return "\n".join(f"## {pack}\n\n{_table(listed)}" for pack, listed in packs.items())


def _table(policies: Sequence[Policy]) -> str:
    rows = [
        "| policy | severity | recommended | finds | at stake | guardrail |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for policy in policies:
        names = f"[`{policy.id}`]({policy.path}) {', '.join(policy.aliases)}"
        cells = (
            names.strip(),
            policy.severity.label,
            "yes" if policy.recommended else "no",
            policy.title,
            policy.exposure,
            policy.guardrail.enforce,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def fix_table(policies: Sequence[Policy]) -> str:
    """Give the table of what mlguard mends itself, as Markdown that stands in a folder beside that of the policies."""
    rows = ["| policy | safety | fix |", "| --- | --- | --- |"]
    for policy in sorted(policies, key=lambda one: one.id):
        name = f"[`{policy.id}`](../policies/{policy.path})"
        told = [f"| {name} | {'safe' if fix.safe else 'unsafe'} | {_done(fix)} |" for fix in policy.fixes]
        rows += dict.fromkeys(told)
    return "\n".join(rows) + "\n"


def pack_table(policies: Sequence[Policy]) -> str:
    """Give the table of the packs: how many policies each has, and what the gravest of them finds."""
    rows = ["| pack | policies | recommended | for instance |", "| --- | --: | --: | --- |"]
    packs: dict[str, list[Policy]] = {}
    for policy in sorted(policies, key=lambda one: (one.pack, -one.severity, one.id)):
        packs.setdefault(policy.pack, []).append(policy)
    for pack, listed in packs.items():
        recommended = sum(policy.recommended for policy in listed)
        rows.append(f"| `{pack}` | {len(listed)} | {recommended} | {listed[0].title} |")
    return "\n".join(rows) + "\n"
