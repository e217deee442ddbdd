"""S3: which bucket of the project an address of objects leads to, and what is kept where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.joins import names_resource, without_keys

_ADDRESS = lazy_pattern(
    r"(?:s3://"
    r"|https://s3[^/]*\.amazonaws\.com[^/]*/"
    r"|https://(?=[^/]+\.s3[.-][^/]*amazonaws\.com))"
    r"(?P<bucket>[^/]+?)(?:\.s3[.-][^/]*amazonaws\.com[^/]*)?(?:/(?P<key>.*))?\Z"
)
BUCKETS = ("s3.bucket", "s3.directory_bucket")
"""The kinds that objects are put into."""
_ADDRESS_KEYS = ("uri", "url", "path")
_ANY_KEY = "*"
_MAX_DEPTH = 60
_MAX_LENGTH = 2048  # no key is longer than 1,024 bytes
_MAX_ADDRESSES = 10_000


@record()
class Place:
    """A bucket of the project and a key in it, in which `*` stands for what is not known."""

    bucket: Resource
    key: str


def locate(address: Node, siblings: Sequence[Resource], scenario: Scenario) -> Place | Unknown | None:
    """Find where an address like `s3://bucket/key` leads to; None where that is no bucket of the project.

    Of a text that names several buckets, such as a definition in JSON, nobody knows which part of it is made of which.
    """
    perhaps: Unknown | None = None
    found: dict[str, Place] = {}
    for bucket in siblings:
        if bucket.kind not in BUCKETS:
            continue
        key = key_in(bucket, address, scenario)
        if isinstance(key, str) and bucket.raw.exists(scenario) is True:
            found.setdefault(without_keys(bucket.address), Place(bucket, key))
        elif key is not None and bucket.raw.exists(scenario) is not False:
            perhaps = key if isinstance(key, Unknown) else Unknown(f"{bucket.address} may not be deployed")
    if len(found) > 1:
        return Unknown(f"it may lead to {' or '.join(found)}")
    return next(iter(found.values()), perhaps)


def key_in(bucket: Resource, address: Node, scenario: Scenario) -> str | Unknown | None:
    """Give the key that an address has in a bucket; None where it leads to another place."""
    content = address.content
    text = content.pattern if isinstance(content, Unknown) else text_of(content)
    match = _parsed(text)
    if match is None:
        if text is not None and "*" not in text:
            return None
        return content if isinstance(content, Unknown) else Unknown("another resource decides the address in S3")
    verdict = _leads_to(match["bucket"], content, bucket, scenario)
    if verdict is None:
        return Unknown(f"{text} may lead to {bucket.address}")
    return (match["key"] or "") if verdict else None


def _parsed(text: str | None) -> re.Match[str] | None:
    return _ADDRESS.match(text) if text is not None and len(text) <= _MAX_LENGTH else None


def _leads_to(named: str, content: object, bucket: Resource, scenario: Scenario) -> bool | None:
    name = settle(bucket.properties["name"], scenario)
    own = None if name.content is None else name
    at = bucket.raw.name_span
    if "*" not in named:
        return names_resource(Node(named, at), bucket.raw, own)
    references = content.references if isinstance(content, Unknown) else ()
    if named == "*" and references:
        # an address that names a bucket of the project names it as the bucket, whatever else it is made of
        verdicts = [names_resource(Node(reference, at), bucket.raw, own) for reference in references]
        return True if True in verdicts else None if None in verdicts else False
    written = text_of(own.content) if own is not None else None
    return None if written is None or fnmatchcase(written, named) else False


def bucket_addresses(subject: Subject) -> frozenset[str]:
    """Give the addresses of the project's buckets, found once for a project."""
    remembered = subject.settings.remembered
    if "bucket addresses" not in remembered:
        found = (sibling.address for sibling in subject.siblings if sibling.kind in BUCKETS)
        remembered["bucket addresses"] = frozenset(found)
    return remembered["bucket addresses"]


def used_keys(subject: Subject) -> tuple[str, ...]:
    """Give the keys of a bucket that machine learning of its project names, as it is deployed by default.

    Found once for a project: which folders there are is no matter of every combination of parameters.
    """
    remembered = subject.settings.remembered
    if "used keys" not in remembered:
        default = Scenario()
        buckets = [sibling for sibling in subject.siblings if sibling.kind in BUCKETS]
        found = set()
        for sibling in subject.siblings:
            if not sibling.kind.startswith(("sagemaker.", "bedrock.")):
                continue
            for address in _addresses(sibling.raw.body, default, 0):
                for place in _places(address, buckets, default):
                    found.add(f"{place.bucket.address}\0{place.key}")
            if len(found) > _MAX_ADDRESSES:
                break
        remembered["used keys"] = frozenset(found)
    start = f"{subject.resource.address}\0"
    return tuple(sorted(one.removeprefix(start) for one in remembered["used keys"] if one.startswith(start)))


def _places(address: Node, buckets: Sequence[Resource], scenario: Scenario) -> Iterator[Place]:
    """Give where an address leads to; one of which only the resources are known leads to any key of its buckets."""
    content = address.content
    references = content.references if isinstance(content, Unknown) else ()
    if isinstance(content, Reference):
        references = (content,)
    if not (isinstance(content, Reference) or _is_hidden(content)):
        place = locate(address, buckets, scenario)
        if isinstance(place, Place):
            yield place
        return
    for bucket in buckets:
        name = settle(bucket.properties["name"], scenario)
        own = None if name.content is None else name
        if any(names_resource(address.holding(one), bucket.raw, own) is True for one in references):
            yield Place(bucket, _ANY_KEY)


def _is_hidden(content: object) -> bool:
    """Tell of a value that only the resources are known that it is made of, which is all that a plan tells."""
    return isinstance(content, Unknown) and content.pattern == "*" and bool(content.references)


def _addresses(node: Node, scenario: Scenario, depth: int, key: str = "") -> Iterator[Node]:
    node = settle(node, scenario)
    content = node.content
    text = content.pattern if isinstance(content, Unknown) else content
    hides_address = key.lower().endswith(_ADDRESS_KEYS) and (isinstance(content, Reference) or _is_hidden(content))
    if hides_address or (isinstance(text, str) and _parsed(text)):
        yield node
    elif isinstance(content, Entries) and depth < _MAX_DEPTH:
        for name, below in content.nodes.items():
            yield from _addresses(below, scenario, depth + 1, name)
    elif isinstance(content, Items) and depth < _MAX_DEPTH:
        for below in content.nodes:
            yield from _addresses(below, scenario, depth + 1, key)
