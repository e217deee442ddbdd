"""Patterns of mlguard's own: compiled when they are first used, and like those of `re` from then on."""

from __future__ import annotations

import re

import pytest

from mlguard.patterns import lazy_pattern

TEXT = "ml.p5.48xlarge and ML.G5.xlarge"


def test_does_what_a_compiled_one_does() -> None:
    pattern = r"(?P<family>[a-z]\d)\.(\w+)"
    lazy, compiled = lazy_pattern(pattern, re.IGNORECASE), re.compile(pattern, re.IGNORECASE)
    assert [found.groupdict() for found in lazy.finditer(TEXT)] == [{"family": "p5"}, {"family": "G5"}]
    assert lazy.findall(TEXT) == compiled.findall(TEXT)
    assert lazy.split(TEXT) == compiled.split(TEXT)
    assert lazy.sub("x", TEXT) == compiled.sub("x", TEXT) == "ml.x and ML.x"
    assert lazy.match(TEXT) is None
    assert lazy.fullmatch(TEXT, 3, 14)


def test_takes_bytes_too() -> None:
    assert lazy_pattern(rb"p\d").search(TEXT.encode())


def test_is_compiled_when_it_is_used() -> None:
    pattern = lazy_pattern("(")
    with pytest.raises(re.error):
        pattern.search(TEXT)


def test_has_nothing_that_a_compiled_one_has_not() -> None:
    with pytest.raises(AttributeError):
        lazy_pattern("a").replace  # type: ignore[attr-defined]  # noqa: B018
