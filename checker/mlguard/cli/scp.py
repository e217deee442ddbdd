"""The `mlguard scp` commands: documents and their manifest as text, or written to a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlguard.configuration import Configuration
from mlguard.errors import UsageError
from mlguard.finding import number_of
from mlguard.guardrail.companions import Companion, companions
from mlguard.guardrail.document import BREAK_GLASS, Guardrails, Options
from mlguard.guardrail.effects import NEVER_BOUND
from mlguard.guardrail.readme import readme
from mlguard.guardrail.wrappers import WRAPPERS
from mlguard.inspection import Inspected
from mlguard.record import replace
from mlguard.rehearsal import Impact
from mlguard.rehearsal.findings import Reported, Unstopped, reported
from mlguard.rehearsal.show import impact_as_json, impact_as_text
from mlguard.render.faults import faults_as_json, faults_as_sarif, faults_as_text
from mlguard.source import Root

_MAX_BYTES = 1_000_000
_MAX_REPORT = 50_000_000


def settings_of(configuration: Configuration, options: argparse.Namespace) -> Options:
    """Give how to generate, from the configuration and the command line."""
    return Options(
        max_chars=options.max_chars,
        slots=options.slots,
        exempt=configuration.break_glass or BREAK_GLASS,
        partition=options.partition,
    )


def documents_as_asked(
    made: Sequence[Guardrails],
    configuration: Configuration,
    options: argparse.Namespace,
    open_findings: Sequence[Unstopped] = (),
) -> str:
    """Give what to print of the SCPs of some environments, or write them to a folder and say what was written.

    One document of one environment is printed as it is to be attached; several are printed with their names.
    """
    if options.out is not None:
        return "".join(_written(one, configuration, options, open_findings) for one in made)
    if options.format != "json":
        return "\n".join(WRAPPERS[options.format][1](one) for one in made if one.documents)
    documents = [document for guardrails in made for document in guardrails.documents]
    if len(documents) == 1:
        return documents[0].text + "\n"
    return json.dumps({document.name: document.content for document in documents}, indent=1) + "\n"


def _written(
    guardrails: Guardrails,
    configuration: Configuration,
    options: argparse.Namespace,
    open_findings: Sequence[Unstopped],
) -> str:
    """Write the SCPs of an environment, their manifest and page, and what was asked for beside; say which files."""
    folder = Path(options.out) / guardrails.environment
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for document in guardrails.documents:
        path = folder / f"{document.name}.json"
        path.write_text(document.text, encoding="ascii")
        lines.append(f"{path}: {len(document.text):,} characters, {len(document.content['Statement'])} statements")
    lines += _left_from_before(folder, guardrails)
    names = [document.name for document in guardrails.documents]
    beside = companions(configuration.parameters, guardrails.environment, names) if options.companions else ()
    for companion in beside:
        (folder / companion.name).write_text(companion.text, encoding="ascii")
        lines.append(f"{folder / companion.name}: {companion.what}")
    if options.format != "json" and guardrails.documents:
        name, wrap = WRAPPERS[options.format]
        (folder / name).write_text(wrap(guardrails), encoding="ascii")
        lines.append(f"{folder / name}: the same SCPs as {options.format}, attached to nothing")
    path = folder / "manifest.json"
    path.write_text(_manifest(guardrails, beside, open_findings), encoding="ascii")
    lines.append(f"{path}: which policies and parameters each statement comes from, and what no SCP can do")
    path = folder / "README.md"
    path.write_text(readme(guardrails, beside), encoding="utf-8")
    lines.append(f"{path}: how to roll them out and back, who is exempt, what will be denied and what will pass")
    return "\n".join(lines) + "\n"


def _left_from_before(folder: Path, guardrails: Guardrails) -> list[str]:
    """Say which SCPs of the folder are none of these: whoever attaches all of them would attach those, too."""
    names = {f"{document.name}.json" for document in guardrails.documents}
    found = sorted(path for path in folder.glob(f"mlguard-{guardrails.environment}-*.json") if path.name not in names)
    return [f"{path}: left from an earlier run, no longer part of the guardrails: delete it" for path in found]


def _manifest(guardrails: Guardrails, beside: Sequence[Companion], open_findings: Sequence[Unstopped]) -> str:
    manifest = {
        "environment": guardrails.environment,
        "statements": guardrails.manifest,
        "not_enforceable": [{"policy": policy, "because": because} for policy, because in guardrails.not_enforceable],
        "left_out": [{"policy": policy, "because": because} for policy, because in guardrails.left_out],
        "never_bound": NEVER_BOUND,
        "findings_not_stopped": [
            {"policy": one.policy, "because": one.because, "findings": [finding.place for finding in one.findings]}
            for one in open_findings
        ],
        "companions": [{"file": one.name, "what": one.what} for one in beside],
    }
    return json.dumps(manifest, indent=1, sort_keys=True, default=list) + "\n"


def findings_at(path: Path) -> list[Reported]:
    """Read the findings of a JSON report; UsageError where there is none."""
    if not path.is_file():
        raise UsageError(f"there is no report {path}")
    try:
        return reported(json.loads(Root(path.absolute().parent).read(path.name, _MAX_REPORT).text))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{path} is no report of mlguard scan --format json") from None


def in_notes(open_findings: Sequence[Unstopped]) -> Iterator[str]:
    """Say which findings no SCP stops, and why."""
    for one in open_findings:
        yield f"{number_of(len(one.findings), 'finding')} of {one.policy}: {one.because}"
        yield from (f"  {finding.place}" for finding in one.findings)


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
    found = [(name, text) for name, text in texts if not path.is_dir() or _may_be_scp(text)]
    if not found:
        raise UsageError(f"there is no SCP in {path}")
    return found


def _may_be_scp(text: str) -> bool:
    """Tell an SCP, also one that is broken, from a manifest, a tag policy and a template."""
    return '"Statement"' in text and '"Resources"' not in text
