"""Encodings and hashes."""

from __future__ import annotations

import base64
import binascii
import codecs
import urllib.parse
import zlib
from collections.abc import Callable

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.signature import Function, Run, function, known
from mlguard.parse.terraform.values import MAX_TEXT

_GZIP = 16 + zlib.MAX_WBITS
_SAFE_IN_URL = "-_.~"
_WITH_MARK = "utf-16"


def decoded64(subject: str) -> bytes:
    """Decode base64; FailureError where that is not possible."""
    try:
        return base64.b64decode(subject.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise FailureError("not base64") from None


def encoded64(found: bytes) -> str:
    """Encode as base64."""
    return base64.b64encode(found).decode()


def _base64decode(subject: str) -> str:
    return utf8(decoded64(subject))


def utf8(found: bytes) -> str:
    """Decode the text that Terraform can hold; FailureError for anything else."""
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise FailureError("not a text in UTF-8") from None


def _gunzip(subject: str) -> str:
    inflater = zlib.decompressobj(_GZIP)
    try:
        found = inflater.decompress(decoded64(subject), MAX_TEXT)
    except zlib.error:
        raise FailureError("not gzip") from None
    if inflater.unconsumed_tail:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    return utf8(found)


def _gzip(_subject: str) -> str:
    raise NotEvaluatedError("its result is compressed, and mlguard does not compress as Terraform does")


def digest(name: str, found: bytes, *, as_text: bool) -> str:
    """Give a hash in hexadecimal, or in base64."""
    import hashlib  # noqa: PLC0415  (it brings OpenSSL along)

    made = hashlib.new(name, found, usedforsecurity=False)
    return made.hexdigest() if as_text else encoded64(made.digest())


def _hash(name: str, *, as_text: bool = True) -> Callable[[str], str]:
    return lambda subject: digest(name, subject.encode(), as_text=as_text)


def _uuidv5(namespace: str, name: str) -> str:
    import uuid  # noqa: PLC0415  (it asks what platform this is)

    namespaces = {
        "dns": uuid.NAMESPACE_DNS,
        "url": uuid.NAMESPACE_URL,
        "oid": uuid.NAMESPACE_OID,
        "x500": uuid.NAMESPACE_X500,
    }
    try:
        return str(uuid.uuid5(namespaces.get(namespace) or uuid.UUID(namespace), name))
    except ValueError:
        raise FailureError("not a namespace") from None


def _codec(encoding: str) -> str:
    name = encoding.lower()
    try:
        info = codecs.lookup(name)
    except LookupError:
        raise FailureError(f"{encoding} is not an encoding") from None
    if not getattr(info, "_is_text_encoding", True):
        raise FailureError(f"{encoding} is not an encoding")
    return name


def _textencode(subject: str, encoding: str) -> str:
    name = _codec(encoding)
    try:
        found = ("\ufeff" + subject).encode("utf-16-be") if name == _WITH_MARK else subject.encode(name)
    except UnicodeError:
        raise FailureError(f"the text has characters that {encoding} cannot write") from None
    return encoded64(found)


def _textdecode(subject: str, encoding: str) -> str:
    try:
        return decoded64(subject).decode(_codec(encoding))
    except UnicodeError:
        raise FailureError(f"not a text in {encoding}") from None


def _urldecode(subject: str) -> str:
    return utf8(urllib.parse.unquote_to_bytes(subject.replace("+", " ")))


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("base64decode", "string -> string", known(_base64decode)),
    ("base64encode", "string -> string", known(lambda subject: encoded64(subject.encode()))),
    ("base64gunzip", "string -> string", known(_gunzip)),
    ("base64gzip", "string -> string", known(_gzip)),
    ("base64sha256", "string -> string", known(_hash("sha256", as_text=False))),
    ("base64sha512", "string -> string", known(_hash("sha512", as_text=False))),
    ("md5", "string -> string", known(_hash("md5"))),
    ("sha1", "string -> string", known(_hash("sha1"))),
    ("sha256", "string -> string", known(_hash("sha256"))),
    ("sha512", "string -> string", known(_hash("sha512"))),
    ("textdecodebase64", "string string -> string", known(_textdecode)),
    ("textencodebase64", "string string -> string", known(_textencode)),
    ("urldecode", "string -> string", known(_urldecode)),
    ("urlencode", "string -> string", known(lambda subject: urllib.parse.quote_plus(subject, safe=_SAFE_IN_URL))),
    ("uuidv5", "string string -> string", known(_uuidv5)),
)
ENCODING: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
