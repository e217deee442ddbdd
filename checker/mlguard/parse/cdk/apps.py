"""Tell of CDK apps without an assembly, or with one that is older than their source: what to run.

Nothing that an app names is run. The look at the source is bounded, and its answer only ever a note.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from mlguard.errors import MlguardError
from mlguard.source import Root

_SOURCES = (".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".py", ".java", ".cs", ".fs", ".go", "cdk.json")
_NOT_SOURCE = frozenset(("node_modules", "cdk.out", "obj", "target", "dist", "build", "venv", "__pycache__"))
_MOST_ENTRIES = 5_000
_SAME_CHECKOUT = 60.0  # seconds within which a version control system may have written source and assembly


def notes_on_apps(root: Root, apps: Sequence[str], assemblies: Iterable[str]) -> dict[str, str]:
    """Say for folders with a `cdk.json` what to run, where the assembly is missing or looks stale; by folder."""
    by_app: dict[str, list[str]] = {folder: [] for folder in apps}
    for assembly in sorted(assemblies):
        around = [folder for folder in apps if not folder or assembly.startswith(f"{folder}/")]
        if around:
            by_app[max(around, key=len)].append(assembly)
    notes = {folder: _note(root, folder, own, frozenset((*own, *apps))) for folder, own in by_app.items()}
    return {folder: note for folder, note in notes.items() if note is not None}


def _note(root: Root, folder: str, own: Sequence[str], elsewhere: frozenset[str]) -> str | None:
    named = f"{folder}/cdk.json" if folder else "cdk.json"
    expected = output_of(root, folder)
    if not own:
        if expected is not None and root.is_file(f"{expected}/manifest.json"):
            return None  # it is there, and was left out of the scan on purpose
        return f"{named}: this CDK app has no cloud assembly: run `cdk synth`, and scan again"
    assembly = expected if expected in own else own[0]
    written = _modified(root, f"{assembly}/manifest.json" if assembly else "manifest.json")
    source, newest = _newest(root, folder, elsewhere)
    if written is None or newest - written <= _SAME_CHECKOUT:
        return None
    return f"{assembly or '.'}: this cloud assembly is older than {source}: run `cdk synth`, and scan again"


def output_of(root: Root, folder: str) -> str | None:
    """Give the folder that the app in `folder` is synthesized to; None where that is outside of the root."""
    try:
        content = json.loads(root.read(f"{folder}/cdk.json" if folder else "cdk.json").text)
    except (MlguardError, ValueError, RecursionError):
        content = None
    output = content.get("output") if isinstance(content, dict) else None
    return root.resolve(folder, output if isinstance(output, str) else "cdk.out")


def _modified(root: Root, path: str) -> float | None:
    try:
        return (root.folder / path).lstat().st_mtime
    except OSError:
        return None


def _newest(root: Root, folder: str, elsewhere: frozenset[str]) -> tuple[str, float]:
    """Give the source file below an app that was changed last, of the first few thousand entries."""
    newest = ("", 0.0)
    pending, seen = [folder], 0
    while pending and seen < _MOST_ENTRIES:
        here = pending.pop(0)
        try:
            entries = sorted(os.scandir(root.folder / here), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_SOURCE and not entry.name.startswith(".") and path not in elsewhere:
                    pending.append(path)
            elif entry.name.endswith(_SOURCES) and entry.is_file(follow_symlinks=False):
                changed = _modified(root, path)
                newest = max(newest, (path, changed or 0.0), key=lambda one: one[1])
    return newest
