from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlguard.render.snippet import Snippet, excerpt, snippet
from mlguard.source import Document, Span


def _shown(text: str, span: Span, room: int = 60) -> Snippet:
    found = snippet(Document("a.tf", text), span, room)
    assert found is not None
    return found


def _underlined(found: Snippet) -> str:
    """Give what stands above the underline, for text whose characters take one column each."""
    return found.text[found.start : found.start + found.length]


def _columns(found: Snippet) -> tuple[str, int, int]:
    return found.text, found.start, found.length


def test_plain_line() -> None:
    found = _shown('x = 1\nsize = "big"\n', Span("a.tf", 2, 8, 2, 13))
    assert _columns(found) == ('size = "big"', 7, 5)


def test_tabs_and_wide_characters_move_the_underline() -> None:
    found = _shown('\t世界 = "big"', Span("a.tf", 1, 7, 1, 12))
    assert _columns(found) == ('    世界 = "big"', 11, 5)
    assert _columns(_shown("a世b", Span("a.tf", 1, 2, 1, 3))) == ("a世b", 1, 2)
    assert _columns(_shown("e\u0301x", Span("a.tf", 1, 3, 1, 4))) == ("e\u0301x", 1, 1)


def test_escapes_move_the_underline() -> None:
    found = _shown("\x1b\u202e big", Span("a.tf", 1, 4, 1, 7))
    assert _columns(found) == (r"\x1b\u202e big", 11, 3)


def test_several_lines_are_underlined_to_the_end_of_the_first() -> None:
    found = _shown("name {  \r\n}\n", Span("a.tf", 1, 3, 2, 2))
    assert _columns(found) == ("name {", 2, 4)


def test_empty_span_gets_one_mark() -> None:
    assert _columns(_shown("abc", Span("a.tf", 1, 2, 1, 2))) == ("abc", 1, 1)
    assert _shown("abc", Span("a.tf", 1, 9, 1, 9)).length == 1


def test_long_line_is_cropped_around_the_culprit() -> None:
    text = "a" * 50_000 + "CULPRIT" + "b" * 50_000
    found = _shown(text, Span("a.tf", 1, 50_001, 1, 50_008))
    assert found.text.startswith("...")
    assert found.text.endswith("...")
    assert len(found.text) <= 60
    assert _underlined(found) == "CULPRIT"


def test_culprit_at_the_end_keeps_what_stands_before_it() -> None:
    text = "x" * 200 + " = CULPRIT"
    found = _shown(text, Span("a.tf", 1, 204, 1, 211))
    assert _underlined(found) == "CULPRIT"
    assert found.text.endswith("x = CULPRIT")


def test_long_culprit_is_underlined_as_far_as_it_is_shown() -> None:
    found = _shown("a = " + "v" * 500, Span("a.tf", 1, 5, 1, 505))
    assert len(found.text) <= 60
    assert set(_underlined(found)) == {"v"}
    assert found.start + found.length <= 60


def test_no_such_line() -> None:
    document = Document("a.tf", "one\n\n")
    assert snippet(document, Span("a.tf", 9, 1, 9, 2), 60) is None
    assert snippet(document, Span("a.tf", 0, 1, 0, 2), 60) is None
    assert snippet(document, Span("a.tf", 2, 1, 2, 1), 60) is None


def test_secrets_beside_the_culprit_are_masked() -> None:
    text = '{"MasterPassword": "hunter2, really", "key": "AKIAABCDEFGHIJKLMNOP", "InstanceType": "ml.p4d.24xlarge"}'
    column = text.index('"ml.') + 1
    found = _shown(text, Span("a.json", 1, column, 1, column + 17), 200)
    assert "hunter2" not in found.text
    assert "AKIA" not in found.text
    assert _underlined(found) == '"ml.p4d.24xlarge"'


def test_a_culprit_that_reads_like_a_secret_is_shown() -> None:
    found = _shown("max_tokens = 4096", Span("a.tf", 1, 1, 1, 18))
    assert found.text == "max_tokens = 4096"


LINES = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)


@given(LINES, st.integers(1, 310), st.integers(0, 310), st.integers(20, 120))
def test_fits_and_is_printable(text: str, column: int, length: int, room: int) -> None:
    line = text.replace("\n", " ")
    found = snippet(Document("a.tf", line), Span("a.tf", 1, column, 1, column + length), room)
    if found is None:
        assert not line.rstrip("\r\n \t")
        return
    assert found.text.isprintable()
    assert found.length >= 1
    assert found.start + found.length <= room + 1
    assert found.start >= 0


def _excerpt(text: str, span: Span, room: int = 60) -> list[tuple[int, str, str, str]]:
    return [
        (number, one.before, one.marked, one.after) for number, one in excerpt(Document("a.tf", text), span, 1, room)
    ]


def test_excerpt_marks_the_culprit_among_its_neighbours() -> None:
    text = 'a {\n\n  size = "big"  \n}\nb {\n'
    assert _excerpt(text, Span("a.tf", 3, 10, 3, 15)) == [
        (2, "", "", ""),
        (3, "  size = ", '"big"', ""),
        (4, "", "", "}"),
    ]


def test_excerpt_of_a_block_marks_its_first_lines() -> None:
    text = "a {\n" + "  x = 1\n" * 20 + "}\n"
    shown = _excerpt(text, Span("a.tf", 1, 1, 22, 2))
    assert shown[0] == (1, "", "a {", "")
    assert shown[5] == (6, "", "  x = 1", "")
    assert shown[6:] == [(7, "", "", "  x = 1")]


def test_excerpt_masks_secrets_of_neighbours_and_crops_long_lines() -> None:
    text = 'password = "hunter2"\nsize = "big"\nAKIAABCDEFGHIJKLMNOP ' + "x" * 5000
    shown = _excerpt(text, Span("a.tf", 2, 8, 2, 13))
    assert shown[0] == (1, "", "", "password = *********")
    assert shown[2][3].startswith("******************** xxx")
    assert len(shown[2][3]) <= 60
    assert shown[2][3].endswith("...")


def test_excerpt_of_no_line_is_empty() -> None:
    assert _excerpt("", Span("a.tf", 1, 1, 1, 2)) == []
    assert _excerpt("a\n", Span("a.tf", 9, 1, 9, 2)) == []


@given(st.text(max_size=60), st.integers(1, 5), st.integers(1, 9), st.integers(0, 3), st.integers(1, 9))
def test_excerpt_is_printable(text: str, line: int, column: int, lines: int, end: int) -> None:
    for _, before, marked, after in _excerpt(text, Span("a.tf", line, column, line + lines, end)):
        assert (before + marked + after).isprintable()
