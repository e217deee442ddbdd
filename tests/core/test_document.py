"""Places in a text: lines and columns count code points from 1, the end is exclusive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlguard.source import Document, Span


def test_a_span_of_code_points() -> None:
    document = Document("x.yaml", "a\n世界\U0001f600 b\n")
    assert document.span(2, 5) == Span("x.yaml", 2, 1, 2, 4)
    assert document.span(0, 7) == Span("x.yaml", 1, 1, 2, 6)
    assert document.line(2) == "世界\U0001f600 b"


def test_lines_outside_of_the_text_are_empty() -> None:
    document = Document("x", "a\r\nb")
    assert [document.line(number) for number in (0, 1, 2, 3)] == ["", "a", "b", ""]


def test_the_first_line_of_a_span() -> None:
    assert Span("x", 1, 3, 1, 9).first_line() == Span("x", 1, 3, 1, 9)
    assert Span("x", 1, 3, 4, 9).first_line() == Span("x", 1, 3, 1, 3)


@given(st.text(alphabet="ab\n\r\u2028é"), st.data())
def test_a_span_names_the_text_that_it_was_made_of(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    document = Document("x", text)
    span = document.span(start, end)
    starts = document.line_starts()
    assert starts[span.line - 1] + span.column - 1 == start
    assert starts[span.end_line - 1] + span.end_column - 1 == end
    assert "".join(f"{line}\n" for line in text.split("\n"))[start:end] == text[start:end]
    assert len(starts) == text.count("\n") + 1
