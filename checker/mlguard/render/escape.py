"""Make text from strangers harmless: one escaping function for each place that it is written to.

Paths, names, messages and source lines all come from scanned files, and a policy may come from the scanned
repository. Each function gives text that is safe to stand where its name says, and can be encoded as UTF-8.
"""

from __future__ import annotations

from urllib.parse import quote

from mlguard.patterns import lazy_pattern

CAP = 200
"""How many characters of a name are shown before it is cut."""

_ELLIPSIS = "..."
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# GitHub, Azure Pipelines and TeamCity look for `##[`, `##vso[` and `##teamcity[`, the first two anywhere in a line.
_LOG_COMMAND = lazy_pattern(r"#(?=#[A-Za-z]{0,16}\[)")
_SAFE_START = lazy_pattern(r"[A-Za-z0-9_./]")


def unicode_text(text: str) -> str:
    r"""Spell lone surrogates out as `\udcff`, so that every reader of UTF-8 or JSON accepts the text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def visible_character(character: str) -> str:
    r"""Give a printable character as it is, every other one as `\x1b`, `\u202e` or `\U000e0001`."""
    if character.isprintable():
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004  (the widths of Python's own escapes)
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  (as above)


def visible(text: str) -> str:
    """Spell out all that is not printable: control and bidirectional characters, line separators, surrogates."""
    return text if text.isprintable() else "".join(map(visible_character, text))


def shortened(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, the dots that say so among them; 0 means no limit."""
    return text if limit <= 0 or len(text) <= limit else text[: limit - len(_ELLIPSIS)] + _ELLIPSIS


def terminal_pieces(text: str) -> list[str]:
    """Give what stands on a terminal or in a log for each character of the text."""
    pieces = [visible_character(character) for character in text]
    for match in _LOG_COMMAND.finditer(text):
        pieces[match.start()] = r"\x23"
    return pieces


def terminal(text: str, limit: int = CAP) -> str:
    """Escape text for a terminal or a log, cut to `limit` characters (0: not cut); never begin a line with it."""
    # Cutting comes first as well: a name of ten megabytes is not worth walking through.
    text = text[: limit + 1] if limit > 0 else text
    return shortened(_LOG_COMMAND.sub(lambda _: r"\x23", visible(text)), limit)


def terminal_path(path: str, limit: int = CAP) -> str:
    """Escape a path that begins a line: one that could begin a log command gets `./` in front."""
    shown = terminal(path, limit)
    return shown if _SAFE_START.match(shown) else f"./{shown}"


def terminal_continuation(line: str) -> str:
    """Guard a line of escaped text that only spaces will stand before: GitHub skips them when it looks for `::`."""
    bare = line.lstrip(" ")
    return f"{line[: len(line) - len(bare)]}\\x3a{bare[1:]}" if bare.startswith("::") else line


def github_data(text: str) -> str:
    """Escape the message of a GitHub workflow command."""
    return unicode_text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: str) -> str:
    """Escape the value of a property of a GitHub workflow command."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")


# This and what follows is compiled where it is used: a scan on a terminal needs none of it.
_BACKTICKS = lazy_pattern("`+")


def markdown_code(text: str) -> str:
    """Make a code span: its fence is longer than any run of backticks inside, and it is one line."""
    text = visible(" ".join(text.split("\n"))) or " "
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    # Markdown takes one space off each end, unless the text is nothing but spaces.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


_PIPE = lazy_pattern(r"(\\?)\|")


def markdown_code_cell(text: str) -> str:
    """Make a code span for a cell of a table, where a bar ends the cell even inside code."""
    # Readers disagree on what two backslashes before a bar mean: a space keeps them from having to.
    return _PIPE.sub(lambda match: r"\ \|" if match[1] else r"\|", markdown_code(text))


_MARKUP = lazy_pattern(r"([\\`*_\[\]<>~&$])")
_WORDS = lazy_pattern(r"(`[^`\n]{1,300}`|\s+)")
_LINKING = lazy_pattern(r"(?i)[@#]|://|\bwww\.")
_LIST_START = lazy_pattern(r"^(\d{0,9})(?=[-+.)=])")


def markdown_prose(text: str) -> str:
    """Escape running text for Markdown, tables included; code between single backticks stays code.

    It is one line. Nothing of it becomes a link, an image, a mention or HTML: a word that could is set as code.
    """
    parts: list[str] = []
    after_code = False
    for word in _WORDS.split(text.strip()):
        if not word:
            continue
        as_code = _prose_code(word)
        if as_code is not None and after_code:
            parts.append(" ")  # two code spans without a space between them would be read as one
        parts.append(_prose_plain(word) if as_code is None else as_code)
        after_code = as_code is not None
    return _LIST_START.sub(r"\1\\", "".join(parts))


def _prose_code(word: str) -> str | None:
    if len(word) > 2 and word[0] == word[-1] == "`" and "`" not in word[1:-1]:  # noqa: PLR2004  (two backticks)
        return markdown_code_cell(word[1:-1])
    return markdown_code_cell(word) if _LINKING.search(word) else None


def _prose_plain(word: str) -> str:
    return " " if word.isspace() else _MARKUP.sub(r"\\\1", visible(word)).replace("|", "&#124;")


_LINES = lazy_pattern(r"([\n\t])")


def _visible_lines(text: str) -> str:
    """Spell out what is not printable, but keep line feeds and tabs."""
    return "".join(part if part in ("\n", "\t") else visible(part) for part in _LINES.split(text))


def html(text: str) -> str:
    """Escape text for HTML, between tags and in quoted attributes."""
    from html import escape  # noqa: PLC0415  (brings a table of all entities, which few reports need)

    return escape(_visible_lines(text), quote=True)


def xml(text: str) -> str:
    """Escape text for XML 1.0, between tags and in quoted attributes; what XML forbids is spelled out."""
    return html(text).replace("\n", "&#10;").replace("\t", "&#9;")


# A spreadsheet reads a cell that begins so as a formula; some do after spaces, and in full width too.
_FORMULA = lazy_pattern("[ \\xa0]*[=+\\-@\t\r\n|%＝＋－＠]")  # noqa: RUF001  (full-width signs are meant)


def csv_cell(text: str) -> str:
    """Make a quoted cell that no spreadsheet takes for a formula."""
    mark = "'" if _FORMULA.match(text) else ""
    return '"' + mark + visible(text).replace('"', '""') + '"'


_PLACEHOLDER = lazy_pattern(r"\{(?=\d)")
_LINK = lazy_pattern(r"\](?=\()")


def sarif_text(text: str) -> str:
    """Escape running text for a SARIF message: no placeholder `{0}` and no link `[text](target)` is left in it."""
    return _LINK.sub("] ", _PLACEHOLDER.sub("{ ", _visible_lines(text)))


def relative_uri(path: str) -> str:
    """Write a relative path as a URI reference, byte by byte; a name that was not UTF-8 keeps its bytes."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogatepass")
    return quote(raw, safe="/")
