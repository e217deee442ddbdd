from __future__ import annotations

import csv as standard_csv
import io
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlguard.render import escape

# Every code point, surrogates included, with the characters that mean something to an output made likely.
ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
NASTY = st.text(st.sampled_from(list("`|\\*_[]()<>!#@&:/.-+=~$ \n\r\t\x1b\u202e\udc80{}01aw")), max_size=30)
TEXTS = st.one_of(ANY, NASTY)
MARKDOWN = MarkdownIt("commonmark").enable("table")


@given(TEXTS)
def test_terminal_text_is_printable_and_short(text: str) -> None:
    shown = escape.terminal(text)
    assert shown.isprintable()
    assert len(shown) <= escape.CAP
    assert not re.search(r"##[a-z]*\[", shown, re.IGNORECASE)


@given(TEXTS)
def test_pieces_are_the_uncut_text(text: str) -> None:
    pieces = escape.terminal_pieces(text)
    assert len(pieces) == len(text)
    assert "".join(pieces) == escape.terminal(text, 0)


@given(TEXTS)
def test_path_and_continuation_begin_no_command(text: str) -> None:
    assert not escape.terminal_path(text).lstrip().startswith(("::", "##"))
    assert not escape.terminal_continuation(escape.terminal(text, 0)).lstrip().startswith("::")


@given(TEXTS)
def test_workflow_command_stays_one_line_with_its_properties(text: str) -> None:
    data, value = escape.github_data(text), escape.github_property(text)
    assert not set("\r\n") & set(data)
    assert not set("\r\n:,") & set(value)
    decoded = data.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert decoded == escape.unicode_text(text)


def _tokens(text: str) -> list[str]:
    found = []
    for block in MARKDOWN.parse(text):
        found.append(block.type)
        found.extend(inline.type for inline in block.children or ())
    return found


@given(TEXTS)
def test_markdown_code_is_one_code_span(text: str) -> None:
    span = escape.markdown_code(text)
    assert _tokens(span) == ["paragraph_open", "inline", "code_inline", "paragraph_close"]
    inline = MARKDOWN.parse(span)[1].children
    assert inline is not None
    assert inline[0].content == (escape.visible(text.replace("\n", " ")) or " ")


@given(TEXTS)
def test_markdown_prose_is_plain_text_and_code(text: str) -> None:
    allowed = {"paragraph_open", "inline", "text", "text_special", "code_inline", "paragraph_close"}
    assert set(_tokens(f"Said: {escape.markdown_prose(text)}")) <= allowed
    assert set(_tokens(escape.markdown_prose(text))) <= allowed


@given(TEXTS, TEXTS)
def test_markdown_cells_stay_in_their_columns(code: str, prose: str) -> None:
    row = f"| {escape.markdown_code_cell(code)} | {escape.markdown_prose(prose)} |"
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n{row}\n")
    types = [token.type for token in tokens]
    assert types.count("td_open") == 2
    assert types[-1] == "table_close"
    inner = [one.type for token in tokens for one in token.children or ()]
    assert set(inner) <= {"text", "text_special", "code_inline"}
    last = [token for token in tokens if token.type == "inline"][2].children
    assert [one.type for one in last or ()] == ["code_inline"]


@pytest.mark.parametrize("word", ["@team", "#12", "https://evil.example", "www.evil.example", "a@b.example"])
def test_what_github_would_link_is_code(word: str) -> None:
    assert escape.markdown_prose(f"see {word} now") == f"see `{word}` now"


def test_code_in_prose_stays_code() -> None:
    assert escape.markdown_prose("Set `a|b*` to *x*") == "Set `a\\|b*` to \\*x\\*"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
def test_html_stays_text(text: str) -> None:
    parser = _Text()
    parser.feed(f'<p title="{escape.html(text)}">{escape.html(text)}</p>')
    parser.close()
    shown = "".join(part if part in "\n\t" else escape.visible(part) for part in text)
    assert [tag for tag, _ in parser.tags] == ["p"]
    assert parser.text == shown


@given(TEXTS)
def test_xml_is_well_formed_and_says_the_same(text: str) -> None:
    escaped = escape.xml(text)
    root = ET.fromstring(f'<a b="{escaped}">{escaped}</a>')  # noqa: S314  (wrote it itself)
    shown = "".join(part if part in "\n\t" else escape.visible(part) for part in text)
    assert (root.text or "", root.get("b")) == (shown, shown)


@given(TEXTS)
def test_csv_cell_is_one_cell_and_no_formula(text: str) -> None:
    rows = list(standard_csv.reader(io.StringIO(f"{escape.csv_cell(text)},end\n")))
    assert len(rows) == 1
    assert rows[0][1:] == ["end"]
    assert not rows[0][0].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert rows[0][0].removeprefix("'") == escape.visible(text).removeprefix("'")


@given(TEXTS)
def test_sarif_text_has_no_placeholder_and_no_link(text: str) -> None:
    shown = escape.sarif_text(text)
    assert not re.search(r"\{\d", shown)
    assert "](" not in shown
    assert shown.replace("\n", "").replace("\t", "").isprintable()


@given(TEXTS)
def test_uri_is_relative_and_gives_the_bytes_back(text: str) -> None:
    uri = escape.relative_uri(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})*", uri)
    assert urlsplit(uri).scheme == ""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass")
    assert unquote_to_bytes(uri) == raw


def test_every_sink_gives_text_that_can_be_written(hostile: str) -> None:
    sinks = (
        escape.terminal, escape.terminal_path, escape.visible, escape.unicode_text, escape.github_data,
        escape.github_property, escape.markdown_code, escape.markdown_code_cell, escape.markdown_prose, escape.html,
        escape.xml, escape.csv_cell, escape.sarif_text, escape.relative_uri,
    )  # fmt: skip
    for sink in sinks:
        sink(hostile).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 世界", "plain 世界"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202e\u2028\x85", r"\u202e\u2028\x85"),
        ("\udc80", r"\udc80"),
        ("\U000e0001", r"\U000e0001"),
        ("##[error]", r"\x23#[error]"),
        ("a" * 201, "a" * 197 + "..."),
        ("a" * 200, "a" * 200),
    ],
)
def test_terminal(text: str, shown: str) -> None:
    assert escape.terminal(text) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [("infra/a.tf", "infra/a.tf"), ("::error::a.tf", "./::error::a.tf"), ("-x.tf", "./-x.tf"), ("\n", r"./\n")],
)
def test_terminal_path(path: str, shown: str) -> None:
    assert escape.terminal_path(path) == shown


def test_uri_of_a_name_that_is_not_utf8() -> None:
    assert escape.relative_uri("a/b c\udcff#%:世.tf") == "a/b%20c%FF%23%25%3A%E4%B8%96.tf"
