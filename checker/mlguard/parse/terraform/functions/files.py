"""Functions that read files: only inside the scanned folder, only regular files, only up to a size."""

from __future__ import annotations

import posixpath
import re

from mlguard.errors import MlguardError
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.encoding import digest, encoded64, utf8
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function, known, seen
from mlguard.parse.terraform.values import MAX_TEXT, SetItems, normal, text
from mlguard.source import Root
from mlguard.value import Content, Entries, Node

_MAX_FILES = 2_000
_MAX_BRACES = 30
_WORST_GLOB = 10


def _path(call: Call) -> tuple[Root, str]:
    """Give the path inside of the root that an argument names; NotEvaluatedError for one outside of it."""
    session = call.scope.session
    path = session.root.resolve(session.folder, text(call[0].content))
    if path is None:
        raise NotEvaluatedError("the file is outside of the scanned folder and is not read")
    return session.root, path


def _bytes(call: Call) -> bytes:
    root, path = _path(call)
    if not root.is_file(path) and not root.is_folder(path):
        raise FailureError(f"there is no file {path}")
    try:
        return root.read_bytes(path, MAX_TEXT)
    except MlguardError as error:
        raise NotEvaluatedError(f"{path}: {error.message}") from None


def _file(call: Call) -> Content:
    return normal(utf8(_bytes(call)))


def _filehash(name: str, *, as_text: bool = True) -> Run:
    return seen(lambda call: digest(name, _bytes(call), as_text=as_text))


def _fileexists(call: Call) -> Content:
    root, path = _path(call)
    if root.is_folder(path):
        raise FailureError(f"{path} is a folder")
    return root.is_file(path)


def _names(node: Node) -> Entries:
    """Give the names that a template knows; FailureError where the argument is no map of names."""
    if not isinstance(node.content, Entries):
        raise FailureError("a map was expected")
    return node.content


def _templatefile(call: Call) -> Node | Content:
    """Read a file as a template; its names are those of the second argument."""
    names = _names(call[1])
    if names.rest is not None:
        return call.hidden()
    root, path = _path(call)
    if not root.is_file(path):
        raise FailureError(f"there is no file {path}")
    return call.scope.session.template(path, names.nodes)


def _templatestring(call: Call) -> Node | Content:
    """Read a text as a template; its names are those of the second argument."""
    names = _names(call[1])
    if names.rest is not None:
        return call.hidden()
    return call.scope.session.template_of(text(call[0].content), names.nodes)


def _fileset(call: Call) -> Content:
    root, folder = _path(call)
    source = text(call[1].content)
    if source.count("*") > _WORST_GLOB or source.count("{") > _MAX_BRACES:
        raise NotEvaluatedError("the pattern has too many `*` or `{`")
    wanted = _glob(source)
    found = [name for name in _below(root, folder) if wanted.fullmatch(name)]
    return SetItems(tuple(Node(name, call.span) for name in sorted(found)), None, "string")


_GLOB = re.compile(
    r"(?:(?<=^)|(?<=/))\*\*/|\*\*$|\*|\?|\[(?P<class>\^?\]?[^\]]*)\]|\\(?P<escaped>.)|(?P<sign>[{},])|[^*?\[\\{},]+"
)


def _glob(source: str) -> re.Pattern[str]:
    """Turn a pattern of file names into an expression that no file name keeps busy for long."""
    pieces, depth = [], 0
    position = 0
    while position < len(source):
        match = _GLOB.match(source, position)
        if match is None:
            raise FailureError("the pattern of file names is not valid")
        position = match.end()
        piece = match[0]
        depth += (piece == "{") - (piece == "}")
        if match["sign"]:
            pieces.append({"{": "(?:", "}": ")", ",": "|" if depth else ","}[piece])
        elif match["class"]:
            negated = match["class"][0] == "^"
            inner = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", match["class"][negated:])
            pieces.append(f"[{'^/' if negated else ''}{inner}]")
        else:
            pieces.append(_WILD.get(piece) or re.escape(match["escaped"] or piece))
    try:
        return re.compile("".join(pieces))
    except re.error:
        raise FailureError("the pattern of file names is not valid") from None


_WILD = {"**/": r"(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _below(root: Root, folder: str) -> list[str]:
    """Give the files below a folder; NotEvaluatedError where there are too many to look at."""
    found: list[str] = []
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        for name in root.names(posixpath.join(folder, inner) if inner else folder):
            path = posixpath.join(inner, name) if inner else name
            whole = posixpath.join(folder, path) if folder else path
            if root.is_folder(whole):
                waiting.append(path)
            elif root.is_file(whole):
                found.append(path)
            if len(found) + len(waiting) > _MAX_FILES:
                raise NotEvaluatedError(f"the folder has more than {_MAX_FILES:,} files")
    return found


def _basename(path: str) -> str:
    return "/" if path.strip("/") == "" and path else path.rstrip("/").rpartition("/")[2] or "."


def _dirname(path: str) -> str:
    """Give the folder of a path, tidied as Go does."""
    folder = posixpath.normpath(path[: path.rfind("/") + 1] or ".")
    return "/" if folder == "//" else folder


def _at_deployment(_call: Call) -> Content:
    raise NotEvaluatedError("the path is that of the machine that deploys")


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("abspath", "string -> string", _at_deployment),
    ("basename", "string -> string", known(_basename)),
    ("dirname", "string -> string", known(_dirname)),
    ("file", "string -> string", seen(_file)),
    ("filebase64", "string -> string", seen(lambda call: encoded64(_bytes(call)))),
    ("filebase64sha256", "string -> string", _filehash("sha256", as_text=False)),
    ("filebase64sha512", "string -> string", _filehash("sha512", as_text=False)),
    ("fileexists", "string -> bool", seen(_fileexists)),
    ("filemd5", "string -> string", _filehash("md5")),
    ("fileset", "string string -> set(string)", seen(_fileset)),
    ("filesha1", "string -> string", _filehash("sha1")),
    ("filesha256", "string -> string", _filehash("sha256")),
    ("filesha512", "string -> string", _filehash("sha512")),
    ("pathexpand", "string -> string", _at_deployment),
    ("templatefile", "string any -> any", seen(_templatefile)),
    ("templatestring", "string any -> string", seen(_templatestring)),
)
FILES: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
