"""Which configuration counts for a folder: that of the nearest file, upon what the files above it say."""

from __future__ import annotations

from mlguard.configuration.model import Configuration
from mlguard.configuration.reading import PYPROJECT, complete, holds_table, read_layer
from mlguard.errors import ConfigurationError, MlguardError
from mlguard.source import Root

FILE_NAMES = (".mlguard.yaml", ".mlguard.yml")


class Configurations:
    """The configuration of each folder of a root, read when it is asked for, and once.

    Only the root is asked what there is, so that one that reads a commit may stand in for the folder on disk. A `fixed`
    configuration stands for all of them: the one that the command line names, or none.
    """

    def __init__(self, root: Root, fixed: Configuration | None = None) -> None:
        self._root = root
        self._fixed = fixed
        self._known: dict[str, Configuration] = {}

    def of(self, folder: str) -> Configuration:
        """Give the configuration of a folder, relative to the root; ConfigurationError where one is wrong."""
        if self._fixed is not None:
            return self._fixed
        known = self._known.get(folder)
        if known is not None:
            return known
        waiting = [folder]
        while waiting[-1] and waiting[-1] not in self._known:
            waiting.append(waiting[-1].rpartition("/")[0])
        for one in reversed(waiting):
            if one not in self._known:
                around = self._known[one.rpartition("/")[0]] if one else Configuration()
                path = configuration_file(self._root, one)
                self._known[one] = around if path is None else complete(read_layer(self._root, path, one, around))
        return self._known[folder]

    def of_path(self, path: str) -> Configuration:
        """Give the configuration of a file or folder by what there is at the path."""
        return self.of(path if self._root.is_folder(path) else path.rpartition("/")[0])

    def all(self) -> list[Configuration]:
        """Give every configuration that was asked for until now, the outermost first."""
        if self._fixed is not None:
            return [self._fixed]
        found = [self._known[folder] for folder in sorted(self._known, key=lambda one: one.split("/"))]
        return list({id(one): one for one in found}.values())


def configuration_file(root: Root, folder: str) -> str | None:
    """Give the configuration file in a folder, None where there is none; ConfigurationError where there are two.

    A link or a pipe of that name is given too: to read it is refused, so that it is not taken for nothing.
    """
    below = f"{folder}/" if folder else ""
    if not any(root.exists(below + name) for name in (*FILE_NAMES, PYPROJECT)):
        return None
    names = root.names(folder)  # empty for a folder behind a link
    found = [below + name for name in FILE_NAMES if name in names]
    if PYPROJECT in names:
        path = below + PYPROJECT
        try:
            found += [path] if holds_table(root, path) else []
        except ConfigurationError:
            raise
        except MlguardError as error:
            raise ConfigurationError(error.message, error.path, error.line, error.column) from None
    if len(found) > 1:
        raise ConfigurationError(f"{' and '.join(found)} both configure this folder: keep one of them", found[0])
    return found[0] if found else None
