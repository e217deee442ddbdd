"""The `mlguard scp` commands: documents and their manifest as text, or written to a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlguard.configuration import Configuration
from mlguard.errors import UsageError
from mlguard.guardrail.document import BREAK_GLASS, Guardrails, Options, generate
from mlguard.inspection import Inspected
from mlguard.policy.model import Policy
from mlguard.rehearsal import Impact
from mlguard.rehearsal.show import impact_as_json, impact_as_text
from mlguard.render.faults import faults_as_json, faults_as_sarif, faults_as_text
from mlguard.source import Root

_MAX_BYTES = 1_000_000


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


def checked(inspected: Inspected, form: str, prefix: str) -> str:
    """Give the outcome of the safety checks as it was asked for; `prefix` leads from the user to the root."""
    faults = [replace(fault, path=f"{prefix}{fault.path}") for fault in inspected.faults]
    if form == "sarif":
        return faults_as_sarif(inspected.faults, inspected.problems, inspected.documents, prefix)
    show = faults_as_json if form == "json" else faults_as_text
    return show(faults, inspected.scps, inspected.problems, inspected.undecided)


def rehearsed(impact: Impact, form: str, prefix: str, *, verbose: bool) -> str:
    """Give the outcome of a rehearsal as it was asked for."""
    return impact_as_json(impact, prefix) if form == "json" else impact_as_text(impact, prefix, verbose=verbose)


def scps_at(path: Path) -> list[tuple[str, str]]:
    """Read an SCP, or every SCP of a folder; UsageError where there is none."""
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}")
    folder = path if path.is_dir() else path.parent
    root = Root(folder.absolute())
    names = [name for name in root.names("") if name.endswith(".json")] if path.is_dir() else [path.name]
    texts = [(f"{folder}/{name}", root.read(name, _MAX_BYTES).text) for name in names]
    found = [(name, text) for name, text in texts if not path.is_dir() or '"Statement"' in text]
    if not found:
        raise UsageError(f"there is no SCP in {path}")
    return found
