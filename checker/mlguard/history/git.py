"""Ask git, safely: the only code of mlguard that starts a program.

The repository belongs to a stranger, and so may its `.git/config`. No command is used that runs what a configuration or
an attribute names: no hook, filter, text converter, external diff, monitor or pager, and nothing is fetched. Objects
are read by their ids, so that no name of a file is ever an argument that git could take for a revision or an option.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from mlguard.errors import LimitError, SourceError, UsageError

_SECONDS = 60.0
_CHUNK = 1 << 20
_MAX_ANSWER = 100_000_000
_MOST_LINES = 500  # of one file that git is asked about by their numbers
_REF = re.compile(r"(?!-)[^\x00-\x20\x7f:?*\[\\]{1,250}\Z")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_SAFE = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.attributesFile=",
    "core.pager=cat",
    "core.alternateRefsCommand=",
    "diff.external=",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
    "blame.ignoreRevsFile=",
)
"""Settings that stand above all that a repository may say."""
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "",  # no file at all
    "HOME": "",
    "XDG_CONFIG_HOME": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # it stands above `protocol.NAME.allow`, which stands above `protocol.allow`
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_KEPT = ("SYSTEMROOT", "TEMP", "TMP")  # what programs on Windows need to start


class Repository:
    """A git repository, its commits and objects; a context manager, since one process reads all objects.

    A copy of it in another process of mlguard asks a git of its own.
    """

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self._program = program
        self._objects: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def __getstate__(self) -> dict[str, object]:
        """Give what can be sent to another process: all but the process that reads objects."""
        return {**self.__dict__, "_objects": None}

    def __enter__(self) -> Self:
        """Give the repository itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """End the process that reads objects."""
        self._end()

    def commit(self, ref: str) -> str:
        """Give the id of the commit that a name stands for; UsageError where it stands for none, or for several."""
        if not _REF.match(ref) or ".." in ref:
            raise UsageError(f'"{ref}" is no name of a commit')
        if not _OBJECT_ID.match(ref):
            self._refuse_ambiguous(ref)
        found = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if not _OBJECT_ID.match(found):
            raise UsageError(f'git knows no commit "{ref}" here: fetch it first (actions/checkout: `fetch-depth: 0`)')
        return found

    def merge_base(self, one: str, other: str) -> str:
        """Give the commit where two histories part; UsageError where none is known."""
        found = self._ask("merge-base", "--end-of-options", one, other)
        if not _OBJECT_ID.match(found):
            raise UsageError(
                f"git knows no common ancestor of {one[:12]} and {other[:12]}: "
                "fetch more of the history (actions/checkout: `fetch-depth: 0`)"
            )
        return found

    def tree_of(self, commit: str) -> str:
        """Give the id of a commit's tree."""
        return self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{tree}}")

    def read(self, object_id: str, limit: int, *, whole: bool = True) -> bytes:
        """Read an object; LimitError when it is larger than `limit`, or its start where it need not be `whole`."""
        if not _OBJECT_ID.match(object_id):
            raise SourceError("git holds an object id that is none")
        with self._watched() as (ask, answer):
            ask.write(f"{object_id}\n".encode("ascii"))
            ask.flush()
            header = answer.readline(_CHUNK).split()
            if len(header) != 3:  # noqa: PLR2004  (id, kind, size; else `id missing`)
                raise SourceError("git does not have it: the clone is partial or damaged")
            size = int(header[2])
            wanted = min(size, limit)
            content = answer.read(wanted)
            for start in range(wanted, size + 1, _CHUNK):  # the rest, and the line end after it
                answer.read(min(_CHUNK, size + 1 - start))
        if size > limit and whole:
            raise LimitError(f"larger than {limit:,} bytes, the limit for one file")
        if len(content) != wanted:
            raise SourceError("git ended before it had given all of it")
        return content

    def blame(self, commit: str, path: str, lines: Sequence[int]) -> dict[int, tuple[str, str, int]]:
        """Give who wrote lines of a file last: commit, name and time in seconds; nothing for what git cannot tell."""
        asked = [f"-L{line},{line}" for line in lines] if len(lines) <= _MOST_LINES else []
        text = self._ask("blame", "--porcelain", "--no-textconv", *asked, commit, "--", path)
        found: dict[int, tuple[str, str, int]] = {}
        authors: dict[str, tuple[str, int]] = {}
        current, number, name = "", 0, ""
        for line in text.split("\n"):
            words = line.split(" ")
            if line.startswith("\t"):
                found[number] = (current, *authors.get(current, ("", 0)))
            elif _OBJECT_ID.match(words[0]) and len(words) > 2:  # noqa: PLR2004  (id, line then, line now)
                current, number = words[0], int(words[2])
            elif words[0] == "author":
                name = line.partition(" ")[2]
            elif words[0] == "author-time":
                authors[current] = (name, int(words[1]))
        return found

    def _refuse_ambiguous(self, ref: str) -> None:
        """Refuse a name that several refs have: a tag `origin/main` would stand before the branch of that name."""
        names = [f"{where}{ref}" for where in ("refs/", "refs/tags/", "refs/heads/", "refs/remotes/")]
        listed = self._ask("for-each-ref", "--format=%(objectname) %(refname)", "--", *names)
        refs = {name: found for found, _, name in (line.partition(" ") for line in listed.split("\n"))}
        found = {name: refs[name] for name in names if name in refs}
        if len(set(found.values())) > 1:
            raise UsageError(f'"{ref}" may be {" or ".join(found)}: give the full name')

    def _command(self, *arguments: str) -> list[str]:
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        return [self._program, "--no-pager", *settings, f"--git-dir={self.folder / '.git'}", *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, "PATH": str(Path(self._program).parent), **_ENVIRONMENT}

    def _ask(self, *arguments: str) -> str:
        """Run one command of git, and give what it prints; empty where it fails."""
        try:
            done = subprocess.run(  # noqa: S603  (no shell; the program and its arguments are ours)
                self._command(*arguments),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"git {arguments[0]} took longer than {_SECONDS:.0f} seconds") from None
        except (OSError, ValueError) as error:
            raise SourceError(f"git cannot be run: {error}") from None
        if len(done.stdout) > _MAX_ANSWER or done.returncode:
            return ""
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    @contextmanager
    def _watched(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Give the pipes to the process that reads objects, which is ended when it does not answer in time."""
        process = self._objects if self._owner == os.getpid() else None
        if process is None or process.poll() is not None:
            process = self._objects = self._start()
            self._owner = os.getpid()
        if process.stdin is None or process.stdout is None:
            raise SourceError("git cannot be run")
        watch = threading.Timer(_SECONDS, process.kill)
        watch.daemon = True
        watch.start()
        try:
            yield process.stdin, process.stdout
        except (OSError, ValueError) as error:
            self._end()
            raise SourceError(f"git does not answer: {error}") from None
        finally:
            watch.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  (no shell; the program and its arguments are ours)
                self._command("cat-file", "--batch"),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise SourceError(f"git cannot be run: {error}") from None

    def _end(self) -> None:
        process, self._objects = self._objects, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.communicate()


def repository_of(folder: Path) -> Repository:
    """Give the repository whose top is the folder; UsageError where it is none, or git is not installed."""
    if not os.path.lexists(folder / ".git"):
        raise UsageError(f"{folder} is not the top of a git repository")
    program = _program(folder)
    if program is None:
        raise UsageError("git is not installed")
    return Repository(folder, program)


def _program(folder: Path) -> str | None:
    """Find git on the absolute folders of the path, never in the scanned repository."""
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        place = Path(entry)
        if not place.is_absolute() or folder == place or folder in place.parents:
            continue
        for name in ("git.exe",) if os.name == "nt" else ("git",):
            if os.access(place / name, os.X_OK) and (place / name).is_file():
                return str(place / name)
    return None
