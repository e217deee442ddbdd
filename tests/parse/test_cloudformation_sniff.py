"""A template is told by its bytes: the fast search finds what the plain definition finds, in linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlguard.parse.cloudformation.sniff import looks_like_template

RESOURCES = re.compile(rb"""(?:^|[{,\n\xbf])[ \t]*["']?Resources["']?[ \t]*:""")
TYPE = re.compile(rb"""["']?Type["']?[ \t]*:[ \t\r\n]*["']?[A-Za-z0-9]+::[A-Za-z0-9]+""")
"""The definition: a key of that name, and a type with colons in it, wherever they stand."""

PIECES = (
    b"Resources", b"Resources:", b'"Resources" :', b"'Resources", b"Type", b"Type: AWS::X", b'"Type": "AWS::B"', b":",
    b"::", b"'", b'"', b" ", b"\t", b"\n", b"\r\n", b"{", b",", b"\xef\xbb\xbf", b"\xff", b"x", b"AWS", b"- ", b"#",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
@example(b"Resources:\n A: {Type: AWS::X}")
@example(b'{"Resources": {"A": {"Type": "AWS::X"}}}')
@example(b"x Resources:\n A: {Type: AWS::X}")
@example(b"\xef\xbb\xbfResources:\n Type:\r\n  'AWS::X'")
@example(b"\"'Resources: Type: A::B")
def test_template_is_what_the_definition_says(content: bytes) -> None:
    assert looks_like_template(content) == bool(RESOURCES.search(content) and TYPE.search(content))


@pytest.mark.parametrize(
    "piece", [b"Resources", b"Resources ", b"x  Resources:", b"Type:", b"Type: a", b"Type:Type", b"A::", b"\n  'Type' "]
)
def test_no_content_takes_long(piece: bytes) -> None:
    """Each of these would try every place with every other, were anything looked at twice."""
    assert not looks_like_template(piece * (4_000_000 // len(piece)))
    assert not looks_like_template(b"Resources:" + piece * (4_000_000 // len(piece)) + b":")
    assert not looks_like_template(b"Resources:" + b" " * 4_000_000 + piece)
