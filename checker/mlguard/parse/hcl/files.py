"""`file()` and its kin: only inside of the scanned folder, only up to a size."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from mlguard.errors import MlguardError
from mlguard.parse.hcl.conversion import CannotKnowError, InvalidError, known
from mlguard.parse.hcl.evaluate import Frame, write_template
from mlguard.source import Document, Root, Span
from mlguard.source.root import decode
from mlguard.value import Entries, Node, Origin, Unknown, settle

_MAX_FILE = 1_000_000


def read_for(name: str, arguments: list[Node], frame: Frame, root: Root, folder: str) -> Node:
    """Call a function that reads a file; the path is relative to the root module's folder, as in Terraform."""
    if not arguments:
        raise InvalidError(f"{name}() needs a path")
    written = known(arguments[0], frame.scenario)
    path = root.resolve(folder, written) if isinstance(written, str) else None
    if path is None:
        raise CannotKnowError(Unknown(f"{name}() reads a file outside of the scanned folder"))
    if name == "fileexists":
        return Node(root.is_file(path), frame.at)
    if name == "fileset":
        raise CannotKnowError(Unknown("fileset() is not evaluated"))
    try:
        content = root.read_bytes(path, _MAX_FILE)
        text = "" if name in ("filebase64", "filesha256", "filemd5") else decode(content, path)
    except MlguardError as error:
        raise CannotKnowError(Unknown(f"{name}() cannot read {path}: {error.message}")) from None
    origin = Origin(Span(path, 1, 1, 1, 1), f"{name}() reads this file")
    if name == "filebase64":
        return Node(base64.b64encode(content).decode("ascii"), frame.at, None, (origin,))
    if name in ("filesha256", "filemd5"):
        digest = hashlib.sha256(content) if name == "filesha256" else hashlib.md5(content, usedforsecurity=False)
        return Node(digest.hexdigest(), frame.at)
    if name == "templatefile":
        node = _render(Document(path, text), arguments, frame)
        return Node(node.content, frame.at, None, (*node.origins, origin))
    return Node(text, frame.at, None, (origin,))


def _render(document: Document, arguments: list[Node], frame: Frame) -> Node:
    variables = settle(arguments[1], frame.scenario).content if len(arguments) > 1 else Entries({})
    if not isinstance(variables, Entries) or variables.rest is not None:
        raise CannotKnowError(Unknown("the variables of templatefile() are not known"))
    return write_template(document, replace(frame, local=dict(variables.nodes)))
