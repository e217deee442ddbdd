"""`mlguard init`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mlguard.cli.outcome import CLEAN, say
from mlguard.configuration import configuration_file
from mlguard.errors import UsageError
from mlguard.render.escape import terminal
from mlguard.source import Root
from mlguard.source.root import root_of
from mlguard.starting import CONFIGURATION, PRE_COMMIT, files_for, hook_entry, survey, told


def add_init(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard init`."""
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    parser.set_defaults(run=init_command)


def init_command(options: argparse.Namespace) -> int:
    """`mlguard init`: look at what the repository holds, and write what is not there yet."""
    root = Root(root_of([Path()]))
    seen = survey(root)
    lines = [f"Found {told(seen)}"]
    for name, paths in sorted(seen.environments.items()):
        lines.append(f"{name} is told by: {', '.join(paths)}")
    for name, files in sorted(seen.var_files.items()):
        lines.append(f"{name} is deployed with: {', '.join(files)}")
    lines += seen.remarks
    say("".join(f"{terminal(line, 0)}\n" for line in lines) + "\n")
    for path, text in files_for(seen).items():
        _offer(root, path, text, dry_run=options.dry_run)
    return CLEAN


def _offer(root: Root, path: str, text: str, *, dry_run: bool) -> None:
    """Write a file that is not there yet; never change one that is."""
    there = configuration_file(root, "") if path == CONFIGURATION else None
    if there is None and os.path.lexists(root.folder / path):
        there = path
    if there is not None:
        say(f"{there} is there already and stays as it is.\n")
        if path == PRE_COMMIT and b"mlguard" not in root.read_bytes(path):
            say(f"Add this to its `repos`:\n\n{hook_entry()}\n")
        return
    if dry_run:
        say(f"{path} would be written:\n\n{text}\n")
        return
    _write(root, path, text)
    say(f"{path} is written.\n")


def _write(root: Root, path: str, text: str) -> None:
    folder = root.folder
    try:
        for part in Path(path).parts[:-1]:
            folder /= part
            folder.mkdir(exist_ok=True)
            if folder.is_symlink():
                raise UsageError(f"{folder} is a link: nothing is written behind it")
        with (folder / Path(path).name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {os.strerror(error.errno or 0)}") from None
