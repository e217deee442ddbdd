"""Who gives the variables of a root their values: the process's environment, files of the root, the user."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping

from mlguard.errors import MlguardError
from mlguard.parse.terraform.reader import read_body
from mlguard.parse.terraform.syntax import Argument
from mlguard.record import field, record
from mlguard.source import Document, Noted, Root
from mlguard.value import Node

_MAX_KEPT = 256
_File = tuple[Document | None, Mapping[str, Argument], MlguardError | None]


def everywhere(_folder: str) -> bool:
    """Say that a root may be deployed to an environment."""
    return True


@record()
class Variables:
    """What the user gives for one scan of a root.

    `shared` and then `files` are tfvars files, the latter those of one environment where it has its own: relative to
    the scanned folder, or, beginning with `./`, to the root module, where they may be missing. `values` are single
    values as texts, `process` those of `TF_VAR_*`, `planned` those that a plan was made with, which hold before all
    others. `environment` is the name of the environment that all this is for, `belongs` tells whether a root may be
    deployed to it; `region` and `workspace` are those of its deployment, empty where not said.
    """

    files: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    planned: Mapping[str, Node] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    region: str = ""
    workspace: str = ""
    belongs: Callable[[str], bool] = everywhere


class VariableFiles:
    """The tfvars files of a scan; one that is for many roots is read once, as long as few others are."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._read: dict[str, tuple[_File, Noted]] = {}

    def read(self, path: str) -> _File:
        """Give the text of a file and its arguments by name, or the problem with it."""
        if path not in self._read:
            self._read[path] = self._root.watching(lambda: self._parse(path))
            if len(self._read) > _MAX_KEPT:
                del self._read[next(iter(self._read))]
        read, noted = self._read[path]
        self._root.again(noted)
        return read

    def given(self, folder: str, files: tuple[str, ...]) -> list[str]:
        """Give the paths of the files that the user gave for a root; one that need not be there is left out then."""
        found = []
        for written in files:
            if not written.startswith("./"):
                found.append(written)
                continue
            path = posixpath.normpath(posixpath.join(folder, written))
            if self._root.is_file(path):
                found.append(path)
        return found

    def problems(self, given: Iterable[Variables]) -> list[MlguardError]:
        """Give what is wrong with the files of environments, whether a root reads them or not."""
        found = (self.read(path)[2] for one in given for path in self.given("", one.files))
        return [problem for problem in found if problem is not None]

    def _parse(self, path: str) -> _File:
        document: Document | None = None
        try:
            document = self._root.read(path)
            if path.endswith(".json"):
                from mlguard.parse.terraform.json_syntax import arguments_of  # noqa: PLC0415  (rarely needed)

                return document, arguments_of(document), None
            return document, read_body(document).arguments, None
        except MlguardError as error:
            return document, {}, error


class Assignments:
    """The values that files, the command line and the process give to the variables of a root; later ones win.

    The order is Terraform's: `TF_VAR_*`, `terraform.tfvars`, `terraform.tfvars.json`, `*.auto.tfvars` and
    `*.auto.tfvars.json` by name, the files that the user gives, single values.
    """

    def __init__(self, root: Root, folder: str, given: Variables, files: VariableFiles) -> None:
        self.documents: dict[str, Document] = {}
        self.problems: list[MlguardError] = []
        self.values = dict(given.values)
        self.planned = given.planned
        self.process = given.process
        self._arguments: dict[str, Argument] = {}
        names = root.names(folder)
        automatic = [name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json"))]
        ordered = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names] + automatic
        own = [f"{folder}/{name}" if folder else name for name in ordered]
        for path in [*own, *files.given(folder, (*given.shared, *given.files))]:
            document, arguments, problem = files.read(path)
            self._arguments.update(arguments)
            if document is not None:
                self.documents[path] = document
            if problem is not None:
                self.problems.append(problem)

    def argument(self, name: str) -> Argument | None:
        """Give the line of a file that sets a variable."""
        return None if name in self.values else self._arguments.get(name)

    def text(self, name: str) -> tuple[str, str] | None:
        """Give the text that the command line or the process sets a variable to, and who did, in words."""
        if name in self.values:
            return self.values[name], f"set by --var {name}"
        if name in self.process and name not in self._arguments:
            return self.process[name], f"set by TF_VAR_{name}"
        return None
