"""Tell which projects the changed files belong to, before anything of the other projects is parsed.

A file belongs to the projects that are read from it, and to those whose code names it: a template that another one
nests, a definition that `file()` reads. A changed configuration concerns everything below its folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError
from mlguard.patterns import lazy_pattern
from mlguard.resource import RawProject
from mlguard.scan.discover import Found
from mlguard.scan.options import Options
from mlguard.source import Document

_CONFIGURATIONS = (".mlguard.yaml", ".mlguard.yml")
_CODE = (".tf", ".tofu", ".tf.json", ".tofu.json")
_VARIABLES = (".tfvars", ".tfvars.json")
_WORD = lazy_pattern(r"[\w./@+-]+")
_FEW = 50
"""So many names are looked for one by one before a text is taken apart."""


class Affected:
    """The projects of the files that `only` of the options names; every project where it is None."""

    def __init__(self, options: Options, found: Found) -> None:
        self._options = options
        self._found = found
        self.everything = options.only is None
        self._only = options.only or frozenset()
        self._below = tuple(_folder(path) for path in self._only if path.rpartition("/")[2] in _CONFIGURATIONS)
        self._names = _by_name(path for path in self._only if not path.endswith(_CODE))

    def project(self, project: RawProject) -> bool:
        """Tell whether a project that has been read is one of them."""
        return any(path in self._only for path in project.files) or self.code(project.documents)

    def code(self, documents: Mapping[str, Document]) -> bool:
        """Tell whether code that belongs together is of such a project: the files themselves, or what they name."""
        if self.everything or any(path in self._only or self._configured(path) for path in documents):
            return True
        if self._gives_variables or not self._folders.isdisjoint(_folder(path) for path in documents):
            return True
        return any(_names(one.text, path, self._names) for path, one in documents.items())

    def assembly(self, folder: str) -> bool:
        """Tell whether a cloud assembly holds such a file, at any depth."""
        return self.everything or any(
            path.startswith(f"{folder}/" if folder else "") for path in (*self._only, *self._below)
        )

    def plans(self) -> bool:
        """Tell whether plans are to be read: they stand for Terraform code, wherever they lie."""
        plans = {*self._found.plans, *self._options.plans}
        return self.everything or bool(self._below) or any(path in plans or path.endswith(_CODE) for path in self._only)

    def templates(self) -> list[str]:
        """Give the templates that are to be read: the changed ones, and those that name one that is to be read."""
        every = list(self._found.templates)
        if self.everything or self._gives_parameters:
            return every
        chosen = {path for path in every if path in self._only or self._configured(path)}
        names = _by_name((*self._only, *chosen))
        while names:
            named = {path for path in every if path not in chosen and _names(self._text(path), path, names)}
            chosen |= named
            names = _by_name(named)
        return [path for path in every if path in chosen]

    def _text(self, path: str) -> str:
        try:
            return self._options.root.read(path).text
        except MlguardError:
            return ""  # it is told of where it belongs to somebody

    def _configured(self, path: str) -> bool:
        return any(not folder or path.startswith(f"{folder}/") for folder in self._below)

    def _configurations(self, paths: Iterable[str]) -> Iterable[Configuration]:
        found = (self._options.terms(path).configuration for path in ("", *paths))
        return {one.path: one for one in found}.values()

    @cached_property
    def _folders(self) -> frozenset[str]:
        """Give the folders whose code or variables changed; a file that is gone changed them too."""
        return frozenset(_folder(path) for path in self._only if path.endswith((*_CODE, *_VARIABLES)))

    @cached_property
    def _gives_variables(self) -> bool:
        """Tell whether a changed file holds variables of Terraform roots elsewhere."""
        variables = self._options.variables
        files = [] if variables is None else [*variables.files]
        for configuration in self._configurations(self._found.terraform):
            files += configuration.var_files
            files += [path for one in configuration.deployments for path in one.var_files]
        return any(posixpath.normpath(path) in self._only for path in files)

    @cached_property
    def _gives_parameters(self) -> bool:
        """Tell whether a changed file holds parameters of templates elsewhere."""
        files = [one.document.path for one in self._options.given.files]
        for configuration in self._configurations(self._found.templates):
            written = [path for one in configuration.deployments for path in one.parameter_files]
            files += [path.partition(":")[0] for path in written]
        return any(posixpath.normpath(path) in self._only for path in files)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _by_name(paths: Iterable[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for path in paths:
        named.setdefault(path.rpartition("/")[2], []).append(path)
    return named


def _names(text: str, path: str, changed: Mapping[str, list[str]]) -> bool:
    """Tell whether the text of a file names one of the changed files, by a path that leads there."""
    if len(changed) <= _FEW and not any(name in text for name in changed):
        return False
    folder = _folder(path)
    words = (match[0] for match in _WORD.finditer(text))
    return any(
        _leads(word, folder, target) for word in words for target in changed.get(word.rpartition("/")[2], ())
    ) or any(name in text for name in _unusual(changed))


def _unusual(changed: Mapping[str, list[str]]) -> Iterator[str]:
    return (name for name in changed if not _WORD.fullmatch(name))


def _leads(word: str, folder: str, target: str) -> bool:
    """Tell whether a written path leads to a file from a folder; what an expression puts before it may be anything."""
    written = word.lstrip("/")
    if posixpath.normpath(f"{folder}/{written}").lstrip("/") == target:
        return True
    written = re.sub(r"\A(?:\.{1,2}/)+", "", written)
    return "/" in written and f"/{target}".endswith(f"/{written}")
