"""Encodings, hashes and addresses."""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import hashlib
import io
import ipaddress
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping

import yaml

from mlguard.parse.terraform.values import MAX_ITEMS, FailureError, number, text

_UNSAFE_YAML = re.compile(r"[&*][\w-]")


def _decode64(subject: str) -> str:
    try:
        return base64.b64decode(subject, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise FailureError("not the base64 of a text") from None


def _jsondecode(subject: str) -> object:
    try:
        return json.loads(subject)
    except (ValueError, RecursionError):
        raise FailureError("not valid JSON") from None


def jsonencode(value: object) -> str:
    """Write JSON as Terraform does: keys sorted, no blanks, `<`, `>` and `&` escaped."""
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _yamldecode(subject: str) -> object:
    """Read YAML without aliases (a few of them can stand for gigabytes) and without tags."""
    if _UNSAFE_YAML.search(subject) and any(
        isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(subject)
    ):
        raise FailureError("YAML with anchors is not evaluated")
    try:
        return _jsonlike(yaml.safe_load(subject))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise FailureError("not valid YAML") from None


def _jsonlike(value: object) -> object:
    if isinstance(value, Mapping):
        return {text(key): _jsonlike(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_jsonlike(below) for below in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _yamlencode(value: object) -> str:
    dumped = yaml.safe_dump(value, default_flow_style=False, sort_keys=True, allow_unicode=True)
    return str(dumped)


def _csvdecode(subject: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(subject)))
    if len(rows) > MAX_ITEMS or any(None in row or None in row.values() for row in rows):
        raise FailureError("rows of different lengths, or too many")
    return rows


def _hash(name: str, *, as_text: bool = True) -> Callable[[object], str]:
    def digest(subject: object) -> str:
        found = hashlib.new(name, text(subject).encode(), usedforsecurity=False)  # type: ignore[arg-type]
        return found.hexdigest() if as_text else base64.b64encode(found.digest()).decode()

    return digest


def _uuidv5(namespace: str, name: str) -> str:
    known = {
        "dns": uuid.NAMESPACE_DNS,
        "url": uuid.NAMESPACE_URL,
        "oid": uuid.NAMESPACE_OID,
        "x500": uuid.NAMESPACE_X500,
    }
    return str(uuid.uuid5(known.get(namespace) or uuid.UUID(namespace), name))


def _network(prefix: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(prefix, strict=False)


def _cidrsubnet(prefix: str, newbits: object, netnum: object) -> str:
    network = _network(prefix)
    length = network.prefixlen + int(number(newbits))
    count = int(number(netnum))
    if not network.prefixlen <= length <= network.max_prefixlen or not 0 <= count < 1 << (length - network.prefixlen):
        raise FailureError("the network does not hold that subnet")
    start = int(network.network_address) + (count << (network.max_prefixlen - length))
    address = ipaddress.ip_address(start) if network.version == 4 else ipaddress.IPv6Address(start)  # noqa: PLR2004  (IPv4)
    return f"{address}/{length}"


def _cidrsubnets(prefix: str, *newbits: object) -> list[str]:
    network = _network(prefix)
    position, found = int(network.network_address), []
    for bits in newbits:
        length = network.prefixlen + int(number(bits))
        if not network.prefixlen <= length <= network.max_prefixlen:
            raise FailureError("the network does not hold that subnet")
        size = 1 << (network.max_prefixlen - length)
        position = -(-position // size) * size
        found.append(str(type(network)((position, length))))
        position += size
    return found


def _cidrhost(prefix: str, hostnum: object) -> str:
    network, count = _network(prefix), int(number(hostnum))
    count = count + network.num_addresses if count < 0 else count
    if not 0 <= count < network.num_addresses:
        raise FailureError("the network does not hold that host")
    return str(network.network_address + count)


def _gzip64(subject: str) -> str:
    return base64.b64encode(gzip.compress(subject.encode(), mtime=0)).decode()


ENCODING: dict[str, Callable[..., object]] = {
    "base64decode": _decode64,
    "base64encode": lambda subject: base64.b64encode(text(subject).encode()).decode(),
    "base64gzip": _gzip64,
    "base64sha256": _hash("sha256", as_text=False),
    "base64sha512": _hash("sha512", as_text=False),
    "cidrhost": _cidrhost,
    "cidrnetmask": lambda prefix: str(_network(prefix).netmask),
    "cidrsubnet": _cidrsubnet,
    "cidrsubnets": _cidrsubnets,
    "csvdecode": _csvdecode,
    "jsondecode": _jsondecode,
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "textencodebase64": lambda subject, encoding: base64.b64encode(subject.encode(encoding.lower())).decode(),
    "textdecodebase64": lambda subject, encoding: base64.b64decode(subject).decode(encoding.lower()),
    "urlencode": lambda subject: urllib.parse.quote_plus(text(subject)),
    "urldecode": lambda subject: urllib.parse.unquote_plus(text(subject)),
    "uuidv5": _uuidv5,
    "yamldecode": _yamldecode,
    "yamlencode": _yamlencode,
}
