"""The `mlguard scp` commands: documents and their manifest as text, or written to a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mlguard.configuration import Configuration
from mlguard.errors import UsageError
from mlguard.guardrail.document import BREAK_GLASS, Guardrails, Options, generate
from mlguard.policy.model import Policy
from mlguard.render.escape import terminal
from mlguard.scp.check import check_together
from mlguard.source import Root


def generate_documents(
    policies: Sequence[Policy], configuration: Configuration, environments: Sequence[str], options: argparse.Namespace
) -> str:
    """Generate the SCPs of some environments; give what to print.

    One document of one environment is printed as it is to be attached; several are printed with their names.
    """
    settings = Options(
        max_chars=options.max_chars, slots=options.slots, exempt=configuration.break_glass or BREAK_GLASS
    )
    made = [generate(policies, configuration.parameters, name, settings) for name in environments]
    if options.out is not None:
        return _written(made, Path(options.out))
    documents = [document for guardrails in made for document in guardrails.documents]
    if len(documents) == 1:
        return documents[0].text + "\n"
    return json.dumps({document.name: document.content for document in documents}, indent=1) + "\n"


def _written(made: Sequence[Guardrails], folder: Path) -> str:
    lines = []
    for guardrails in made:
        target = folder / guardrails.environment
        target.mkdir(parents=True, exist_ok=True)
        for document in guardrails.documents:
            path = target / f"{document.name}.json"
            path.write_text(document.text, encoding="ascii")
            lines.append(f"{path}: {len(document.text):,} characters, {len(document.content['Statement'])} statements")
        manifest = {
            "environment": guardrails.environment,
            "statements": guardrails.manifest,
            "not_enforceable": [
                {"policy": policy, "because": because} for policy, because in guardrails.not_enforceable
            ],
        }
        path = target / "manifest.json"
        path.write_text(json.dumps(manifest, indent=1, sort_keys=True, default=list) + "\n", encoding="utf-8")
        lines.append(f"{path}: which policies and parameters each statement comes from, and what no SCP can do")
    return "\n".join(lines) + "\n"


def check_files(files: Sequence[str], max_chars: int) -> tuple[str, bool]:
    """Check SCP files; give what to print and whether anything is wrong."""
    texts = []
    for name in files:
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"there is no file {name}")
        texts.append((name, Root(path.absolute().parent).read(path.name, 1_000_000).text))
    faults = check_together(texts, max_chars=max_chars)
    lines = [
        f"{terminal(fault.path, 400)}:{fault.line}:{fault.column}: {fault.severity}: "
        f"{terminal(fault.message, 2000)} [{fault.check}]"
        for fault in faults
    ]
    lines.append(f"{len(faults)} faults in {len(files)} files" if faults else f"{len(files)} files are safe")
    return "\n".join(lines) + "\n", any(fault.severity == "error" for fault in faults)
