"""Find what is to be scanned below the given paths: Terraform folders, cloud assemblies, possible templates."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence

from mlguard.errors import LimitError, MlguardError, SourceError
from mlguard.parse.cloudformation import looks_like_template
from mlguard.record import field, record
from mlguard.source import Root
from mlguard.source.root import decode

MAX_FILES = 200_000
_GLANCE = 1_000_000  # bytes of a large file that are looked at to tell whether it matters
_TERRAFORM = (".tf", ".tofu", ".tf.json", ".tofu.json")
_MARKUP = (".yaml", ".yml", ".json", ".template")
_PLAN_WORDS = (b'"planned_values"', b'"resource_changes"')
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_ARTIFACTS = (b'"aws:cloudformation:stack"', b'"cdk:cloud-assembly"')
_BUNDLED = re.compile(r"asset\.[0-9a-f]{64}\Z")  # in an assembly: a copy of code that is elsewhere
_SKIPPED_FOLDERS = frozenset((".git", "node_modules", ".terraform", ".venv", "venv", "__pycache__", ".mypy_cache"))


@record(frozen=False)
class Found:
    """What there is: folders and files relative to the root; `apps` are the folders that hold a `cdk.json`."""

    terraform: dict[str, None] = field(default_factory=dict)
    assemblies: dict[str, None] = field(default_factory=dict)
    apps: list[str] = field(default_factory=list)
    templates: dict[str, None] = field(default_factory=dict)
    plans: dict[str, None] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    seen: int = 0


def discover(root: Root, paths: Sequence[str], excluded: Callable[[str], bool], tick: Callable[[int], None]) -> Found:
    """Look below each path, relative to the root; a path that is not there is a SourceError among the problems."""
    found = Found()
    for path in paths:
        if path == "" or root.is_folder(path):
            _walk(root, path, excluded, found, tick)
        elif root.is_file(path):
            _file(root, path, found)
        else:
            found.problems.append(_unreadable(root, path))
    return found


def _unreadable(root: Root, path: str) -> MlguardError:
    try:
        root.read_bytes(path)
    except MlguardError as error:
        return error
    return SourceError("neither a file nor a folder", path)


def _walk(root: Root, start: str, excluded: Callable[[str], bool], found: Found, tick: Callable[[int], None]) -> None:
    pending = [start]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(root.folder / folder), key=lambda entry: entry.name)
        except OSError as error:
            found.problems.append(SourceError(f"the folder cannot be listed: {os.strerror(error.errno or 0)}", folder))
            continue
        below = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if excluded(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED_FOLDERS and not _BUNDLED.match(entry.name):
                    below.append(path)
            else:
                _entry(root, path, entry, found)
            if found.seen > MAX_FILES:
                found.problems.append(LimitError(f"more than {MAX_FILES:,} files: give a smaller folder", folder))
                return
        tick(found.seen)
        pending.extend(reversed(below))


def _entry(root: Root, path: str, entry: os.DirEntry[str], found: Found) -> None:
    name = entry.name.lower()
    if not (name.endswith(_TERRAFORM) or name.endswith(_MARKUP)):
        return
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        found.problems.append(SourceError(os.strerror(error.errno or 0), path))
        return
    found.seen += 1
    if stat.S_ISREG(mode):
        _file(root, path, found, counted=True)
    else:
        found.skipped[path] = "a symbolic link, not followed" if stat.S_ISLNK(mode) else "not a regular file"


def _file(root: Root, path: str, found: Found, *, counted: bool = False) -> None:
    found.seen += not counted
    folder, _, name = path.rpartition("/")
    if name.lower().endswith(_TERRAFORM):
        found.terraform[folder] = None
    elif name == "manifest.json" and _is_assembly(root, folder, path):
        found.assemblies[folder] = None
    elif name.lower().endswith(_MARKUP):
        if name == "cdk.json":
            found.apps.append(folder)
        _markup(root, path, found)


def _is_assembly(root: Root, folder: str, path: str) -> bool:
    if root.is_file(f"{folder}/cdk.out" if folder else "cdk.out"):
        return True
    try:
        start = root.read_start(path, _GLANCE)
    except MlguardError:
        return False
    return b'"artifacts"' in start and any(kind in start for kind in _ARTIFACTS)


def _looks_like_plan(content: bytes) -> bool:
    """Tell whether a file's bytes may be what `terraform show -json` writes for a plan."""
    if content[:2] in _WIDE:  # a shell that redirects output as UTF-16
        content = content.replace(b"\0", b"")
    return b'"format_version"' in content and any(word in content for word in _PLAN_WORDS)


def _markup(root: Root, path: str, found: Found) -> None:
    try:
        content = root.read_bytes(path)
        if _looks_like_plan(content):
            found.plans[path] = None
            return
        if not looks_like_template(content):
            found.skipped[path] = "not a template"
            if content.startswith((b"version https://git-lfs", b"\0GITCRYPT")):
                decode(content, path)
            return
    except LimitError as error:
        glance = root.read_start(path, _GLANCE)
        if _looks_like_plan(glance):
            found.plans[path] = None
        elif looks_like_template(glance):
            found.problems.append(error)
        else:
            found.skipped[path] = "not a template"  # a lock file may be as large as it likes
        return
    except MlguardError as error:
        found.problems.append(error)
        return
    found.templates[path] = None
