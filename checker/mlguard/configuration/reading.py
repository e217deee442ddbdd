"""Read configuration files: YAML, or the table `[tool.mlguard]` of a pyproject.toml, each upon what holds around it."""

from __future__ import annotations

from mlguard.configuration.fields import flag, mapping, place_of, refused, text
from mlguard.configuration.model import Configuration
from mlguard.configuration.settings import applied
from mlguard.errors import ConfigurationError, MlguardError
from mlguard.parse.yaml_document import load_yaml
from mlguard.record import replace
from mlguard.source import Document, Root
from mlguard.value import Entries, Node

PYPROJECT = "pyproject.toml"
_MAX_BYTES = 1_000_000
_MAX_EXTENDED = 10


def read_configuration(root: Root, path: str) -> Configuration:
    """Read one configuration file for the whole root; ConfigurationError with line when it is wrong."""
    return complete(read_layer(root, path, "", Configuration()))


def parse_configuration(document: Document) -> Configuration:
    """Read a configuration from its text, which extends no other; ConfigurationError with line when it is wrong."""
    top = _top(document)
    return complete(applied(top, document.path, "", Configuration()) if top is not None else Configuration())


def read_layer(
    root: Root, path: str, folder: str, around: Configuration, extending: tuple[str, ...] = ()
) -> Configuration:
    """Give the configuration of `folder`: what the file says, and `around` where it says nothing.

    A file that it extends stands between the two, its `root` apart. `extending` are the files that led to this one.
    """
    try:
        top = _top(root.read(path, _MAX_BYTES))
    except ConfigurationError:
        raise
    except MlguardError as error:
        raise ConfigurationError(error.message, error.path, error.line, error.column) from None
    if top is None:
        return replace(around, path=path, files=(path, *around.files))
    mapped = mapping(top, "the configuration")
    if flag(mapped, "root") and not extending:
        around = Configuration()
    if "extend" in mapped:
        base = _extended(root, path, mapped["extend"], text(mapped, "extend"), (*extending, path))
        around = read_layer(root, base, folder, around, (*extending, path))
    return applied(top, path, folder, around)


def holds_table(root: Root, path: str) -> bool:
    """Tell whether a pyproject.toml has a table `[tool.mlguard]`; one that is of no concern is not judged."""
    if not root.is_file(path) or b"mlguard" not in root.read_bytes(path):
        return False
    return _table(root.read(path, _MAX_BYTES)) is not None


def complete(configuration: Configuration) -> Configuration:
    """Refuse what only all files together can tell to be wrong."""
    environment, known = configuration.environment, configuration.parameters.environments
    if environment and environment not in known:
        message = f'there is no environment "{environment}"; there are {", ".join(known)}'
        raise ConfigurationError(message, *place_of(configuration.origins["environment"]))
    return configuration


def _extended(root: Root, path: str, node: Node, written: str, extending: tuple[str, ...]) -> str:
    base = root.resolve(path.rpartition("/")[0], written)
    if not base:
        raise refused(f'"extend" names {written or "nothing"}: it must be a file inside the repository', node)
    if base in extending:
        raise refused(f"the files extend one another in a circle: {' -> '.join((*extending, base))}", node)
    if len(extending) >= _MAX_EXTENDED:
        raise refused(f"more than {_MAX_EXTENDED} files extend one another", node)
    if not root.is_file(base):
        raise refused(f'"extend" names {base}: there is no such file, or it is not a regular one', node)
    return base


def _top(document: Document) -> Node | None:
    """Give what the file says; None where it says nothing."""
    if document.path.rpartition("/")[2] == PYPROJECT:
        return _table(document)
    nodes = load_yaml(document)
    if len(nodes) > 1:
        raise ConfigurationError("the file holds several documents: keep one", document.path, nodes[1].span.line)
    return nodes[0] if nodes and nodes[0].content is not None else None


def _table(document: Document) -> Node | None:
    from mlguard.parse.toml_document import load_toml  # noqa: PLC0415  (few repositories have such a file)

    found: Node | None = load_toml(document)
    for name in ("tool", "mlguard"):
        found = found.content.nodes.get(name) if found is not None and isinstance(found.content, Entries) else None
    return found
