"""Functions that read files: only inside the scanned folder, only regular files, only up to a size."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Callable
from fnmatch import translate

from mlguard.errors import MlguardError
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.values import MAX_TEXT, FailureError, SetItems, hidden, text, unknown
from mlguard.source import Root, Span
from mlguard.value import Content, Entries, Node

_MAX_FILES = 2_000
_WORST_GLOB = 10


def _path(root: Root, folder: str, name: str) -> str:
    path = root.resolve(folder, name)
    if path is None:
        raise FailureError("the file is outside of the scanned folder and is not read")
    return path


def _bytes(arguments: list[Node], scope: Scope) -> bytes | Content:
    if unknown(arguments[0].content):
        return hidden(arguments)
    session = scope.session
    path = _path(session.root, session.folder, text(arguments[0].content))
    try:
        return session.root.read_bytes(path, MAX_TEXT)
    except MlguardError as error:
        raise FailureError(f"{path}: {error.message}") from None


def _file(arguments: list[Node], scope: Scope, _span: Span) -> Content:
    found = _bytes(arguments, scope)
    if not isinstance(found, bytes):
        return found
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise FailureError("the file is not a text") from None


def _file64(arguments: list[Node], scope: Scope, _span: Span) -> Content:
    found = _bytes(arguments, scope)
    return base64.b64encode(found).decode() if isinstance(found, bytes) else found


def _filehash(name: str, *, as_text: bool = True) -> Callable[[list[Node], Scope, Span], Content]:
    def digest(arguments: list[Node], scope: Scope, _span: Span) -> Content:
        found = _bytes(arguments, scope)
        if not isinstance(found, bytes):
            return found
        made = hashlib.new(name, found, usedforsecurity=False)
        return made.hexdigest() if as_text else base64.b64encode(made.digest()).decode()

    return digest


def _fileexists(arguments: list[Node], scope: Scope, _span: Span) -> Content:
    if unknown(arguments[0].content):
        return hidden(arguments)
    session = scope.session
    return session.root.is_file(_path(session.root, session.folder, text(arguments[0].content)))


def _templatefile(arguments: list[Node], scope: Scope, _span: Span) -> Node | Content:
    """Read a file as a template; its names are those of the second argument."""
    if unknown(arguments[0].content) or unknown(arguments[1].content):
        return hidden(arguments)
    names = arguments[1].content
    if not isinstance(names, Entries) or names.rest is not None:
        return hidden(arguments)
    session = scope.session
    path = _path(session.root, session.folder, text(arguments[0].content))
    return session.template(path, names.nodes)


def _fileset(arguments: list[Node], scope: Scope, span: Span) -> Content:
    if any(unknown(argument.content) for argument in arguments):
        return hidden(arguments)
    session = scope.session
    folder = _path(session.root, session.folder, text(arguments[0].content))
    source = text(arguments[1].content)
    if source.count("*") > _WORST_GLOB:
        raise FailureError("the pattern has too many `*`")
    wanted = _glob(source)
    found = [name for name in _below(session.root, folder) if wanted.fullmatch(name)]
    return SetItems(tuple(Node(name, span) for name in sorted(found)))


def _glob(source: str) -> re.Pattern[str]:
    pieces = []
    for part in source.split("/"):
        piece = r"(?:[^/]+/)*" if part == "**" else translate(part).replace(".*", "[^/]*").replace("(?s:", "(?:")
        pieces.append(piece if part == "**" else piece.removesuffix(r"\Z") + "/")
    return re.compile("".join(pieces).removesuffix("/"))


def _below(root: Root, folder: str) -> list[str]:
    found: list[str] = []
    waiting = [""]
    while waiting and len(found) < _MAX_FILES:
        inner = waiting.pop()
        for name in root.names(posixpath.join(folder, inner) if inner else folder):
            path = posixpath.join(inner, name) if inner else name
            whole = posixpath.join(folder, path) if folder else path
            if root.is_folder(whole):
                waiting.append(path)
            elif root.is_file(whole):
                found.append(path)
    return found


def _pathpart(function: Callable[[str], str]) -> Callable[[list[Node], Scope, Span], Content]:
    def part(arguments: list[Node], _scope: Scope, _span: Span) -> Content:
        return hidden(arguments) if unknown(arguments[0].content) else function(text(arguments[0].content))

    return part


def _abspath(_arguments: list[Node], _scope: Scope, _span: Span) -> Content:
    raise FailureError("an absolute path is that of the machine that deploys")


FILES: dict[str, Callable[[list[Node], Scope, Span], Content | Node]] = {
    "abspath": _abspath,
    "basename": _pathpart(posixpath.basename),
    "dirname": _pathpart(lambda path: posixpath.dirname(path) or "."),
    "file": _file,
    "filebase64": _file64,
    "filebase64sha256": _filehash("sha256", as_text=False),
    "filebase64sha512": _filehash("sha512", as_text=False),
    "fileexists": _fileexists,
    "filemd5": _filehash("md5"),
    "fileset": _fileset,
    "filesha1": _filehash("sha1"),
    "filesha256": _filehash("sha256"),
    "filesha512": _filehash("sha512"),
    "pathexpand": _abspath,
    "templatefile": _templatefile,
}
