"""Find what is to be scanned below the given paths: Terraform folders, cloud assemblies, possible templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlguard.errors import LimitError, MlguardError, SourceError
from mlguard.parse.cloudformation import looks_like_template, may_nest
from mlguard.patterns import lazy_pattern
from mlguard.record import field, record
from mlguard.scan.ignoring import Ignoring
from mlguard.source import Entry, Root
from mlguard.source.root import decode

MAX_FILES = 200_000
_GLANCE = 1_000_000  # bytes of a large file that are looked at to tell whether it matters
_TERRAFORM = (".tf", ".tofu", ".tf.json", ".tofu.json")
_MARKUP = (".yaml", ".yml", ".json", ".template")
_PLAN_WORDS = (b'"planned_values"', b'"resource_changes"')
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_ARTIFACTS = (b'"aws:cloudformation:stack"', b'"cdk:cloud-assembly"')
_BUNDLED = lazy_pattern(r"asset\.[0-9a-f]{64}\Z")  # in an assembly: a copy of code that is elsewhere
_UNINTERESTING = frozenset((".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"))
_VENDORED = frozenset(
    ("node_modules", "bower_components", "vendor", "site-packages", "venv", ".venv", ".tox", ".terraform",
     ".terragrunt-cache")
)  # fmt: skip
_SYNTHESIZED = "cdktf.out"
Excluded = Callable[[str], bool]


@record(frozen=False)
class Found:
    """What there is: folders and files relative to the root.

    `apps` are the folders that hold a `cdk.json`, `nesting` the templates that may nest others.
    """

    terraform: dict[str, None] = field(default_factory=dict)
    assemblies: dict[str, None] = field(default_factory=dict)
    apps: list[str] = field(default_factory=list)
    templates: dict[str, None] = field(default_factory=dict)
    nesting: set[str] = field(default_factory=set)
    plans: dict[str, None] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seen: int = 0


def discover(
    root: Root, paths: Sequence[str], excluded: Excluded, tick: Callable[[int], None], *, ignored: bool = False
) -> Found:
    """Look below each path, relative to the root; a path that is not there is a SourceError among the problems.

    What git ignores is left out unless `ignored` asks for it; what is named as a path is looked at in any case.
    """
    walk = _Walk(root, excluded, tick, ignored=ignored)
    for path in paths:
        if path == "" or root.is_folder(path):
            walk.below(path)
        elif root.is_file(path):
            _file(root, path, walk.found)
        else:
            walk.found.problems.append(_unreadable(root, path))
    walk.look_for_outputs(paths)
    walk.found.notes.extend(walk.remarks())
    return walk.found


def _unreadable(root: Root, path: str) -> MlguardError:
    try:
        root.read_bytes(path)
    except MlguardError as error:
        return error
    return SourceError("neither a file nor a folder", path)


class _Walk:
    """Goes through folders in a stable order."""

    def __init__(self, root: Root, excluded: Excluded, tick: Callable[[int], None], *, ignored: bool) -> None:
        self.found = Found()
        self._root = root
        self._excluded = excluded
        self._tick = tick
        self._respects = not ignored
        self._ignored = [0, 0]
        self._vendored: dict[str, int] = {}

    def below(self, start: str) -> None:
        """Look at everything below a folder."""
        pending = [(start, self._at(start))]
        while pending:
            folder, ignoring = pending.pop()
            try:
                entries = self._root.entries(folder)
            except SourceError as error:
                self.found.problems.append(error)
                continue
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and folder != start:
                self._leave_out("venv")
                continue
            here = ignoring.into(folder, names) if self._respects else ignoring
            pending.extend(reversed(list(self._within(folder, entries, here))))
            if self.found.seen > MAX_FILES:
                message = f"more than {MAX_FILES:,} files: give a smaller folder"
                self.found.problems.append(LimitError(message, folder))
                return
            self._tick(self.found.seen)

    def _at(self, start: str) -> Ignoring:
        """Give what is ignored where the walk begins: nothing, where that itself is."""
        ignoring = Ignoring(self._root, self.found.notes.append, (*_TERRAFORM, *_MARKUP))
        folder = ""
        for part in start.split("/") if start and self._respects else ():
            ignoring = ignoring.into(folder, self._root.names(folder))
            folder = f"{folder}/{part}" if folder else part
            if ignoring.ignores(folder, is_folder=True):
                return ignoring.nothing()
        return ignoring

    def _within(self, folder: str, entries: Sequence[Entry], ignoring: Ignoring) -> Iterator[tuple[str, Ignoring]]:
        """Take in the files of a folder; give the folders to go on with."""
        for entry in entries:
            if entry.kind != "folder" and not _matters(entry.name):
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            if self._excluded(path):
                continue
            if entry.kind == "folder":
                inside = self._entered(path, entry.name, ignoring)
                if inside is not None:
                    yield path, inside
            elif ignoring.ignores(path, is_folder=False) and not ignoring.tracks(path):
                self._ignored[0] += 1
                self.found.skipped[path] = "ignored by git"
            else:
                _entry(self._root, path, entry, self.found)

    def _entered(self, path: str, name: str, ignoring: Ignoring) -> Ignoring | None:
        """Give what is ignored in a folder; None where it is not gone into."""
        if name in _UNINTERESTING or _BUNDLED.match(name):
            return None
        if name in _VENDORED:
            self._leave_out(name)
            return None
        if not ignoring.ignores(path, is_folder=True):
            return ignoring
        if name == _SYNTHESIZED or _is_output(self._root, path):
            return ignoring.nothing()
        if ignoring.tracks(path):
            return ignoring.below_ignored()
        self._ignored[1] += 1
        return None

    def _leave_out(self, kind: str) -> None:
        self._vendored[kind] = self._vendored.get(kind, 0) + 1

    def look_for_outputs(self, paths: Sequence[str]) -> None:
        """Look at the assemblies of CDK apps that stand in ignored folders: nobody commits what is synthesized."""
        if not self.found.apps or not self._respects:
            return
        from mlguard.parse.cdk.apps import output_of  # noqa: PLC0415  (for those who have such an app)

        for app in list(self.found.apps):
            output = output_of(self._root, app)
            if output is None or output in self.found.assemblies or not _is_output(self._root, output):
                continue
            steps = ["/".join(output.split("/")[: length + 1]) for length in range(output.count("/") + 1)]
            below = any(not path or output.startswith(f"{path}/") for path in paths)
            left_out = any(self._excluded(one) or one.rpartition("/")[2] in _VENDORED for one in steps)
            if below and not left_out:
                self.below(output)

    def remarks(self) -> Iterator[str]:
        """Say what was not looked at, once for each kind."""
        for kind, count in sorted(self._vendored.items()):
            yield f"{kind}: {_counted(count, 'folder')} of other people's code not looked at; name one to scan it"
        files, folders = self._ignored
        if files or folders:
            what = [_counted(count, name) for count, name in ((files, "file"), (folders, "folder")) if count]
            yield f"{' and '.join(what)} that git ignores not looked at; `--no-ignore` looks at them"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def in_skipped_folder(path: str) -> bool:
    """Tell whether a path lies in a folder that is not gone into, unless it is asked for: vendored code, caches."""
    folders = path.split("/")[:-1]
    return any(name in _UNINTERESTING or name in _VENDORED or _BUNDLED.match(name) for name in folders)


def _matters(name: str) -> bool:
    return name.lower().endswith((*_TERRAFORM, *_MARKUP))


def _is_output(root: Root, folder: str) -> bool:
    """Tell whether a folder is a cloud assembly."""
    path = f"{folder}/manifest.json"
    return root.is_file(path) and _is_assembly(root, folder, path)


def _entry(root: Root, path: str, entry: Entry, found: Found) -> None:
    found.seen += 1
    if entry.kind == "file":
        _file(root, path, found, counted=True)
    else:
        found.skipped[path] = "a symbolic link, not followed" if entry.kind == "link" else "not a regular file"


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
    if may_nest(content):
        found.nesting.add(path)
