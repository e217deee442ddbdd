"""Rebuild `checker/mlguard/parse/terraform/grammar.json`: `python benchmarks/build_grammar.py`.

Lark compiles the grammar of the installed python-hcl2 into its parse table, which takes seconds; this writes the table
down, so that a scan only has to read it. The output depends on that grammar alone: states are numbered in the order in
which they are reached.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import regex
from hcl2.postlexer import OPERATOR_TYPES, PostLexer
from lark import Lark
from lark.lexer import BasicLexer, PatternStr
from lark.parsers.lalr_analysis import Shift

from mlguard.parse.terraform.grammar import TABLE, fingerprint

_MENDED = (
    ("NAME : /[a-zA-Z_][a-zA-Z0-9_-]*/", r"NAME : /[^\W\d][\w-]*/"),
    ("!unary_op : (MINUS | NOT) expr_term", "!unary_op : (MINUS | NOT) unary_expr"),
    ("INT_LITERAL: NEGATIVE_DECIMAL? DECIMAL+", "INT_LITERAL: DECIMAL+"),
    ("(NEGATIVE_DECIMAL? DECIMAL+ | NEGATIVE_DECIMAL+)", "DECIMAL+"),
    ("identifier (COLONS identifier COLONS identifier)? LPAR", "identifier (COLONS identifier)* LPAR"),
    (
        r"""STRING_CHARS.1: /(?:(?!\$\$\{)(?!\$\{)(?!%%\{)(?!%\{)[^"\\]|\\.|(?:\$(?!\$?\{))|(?:%(?!%?\{)))+/""",
        r"""STRING_CHARS.1: /(?:[^"\\$%]++|\\.|\$(?!\$?\{)|%(?!%?\{))+/""",
    ),
)
"""What python-hcl2 refuses and Terraform accepts: `größe`, `!!x` and `- -1`, `x -12`, and `core::upper("a")`.

The last is the same set of texts, told without looking ahead at every character.
"""


def table() -> dict[str, Any]:
    """Compile the mended grammar, and give what a parser needs of it in plain lists and mappings."""
    folder = Path(hcl2.__file__).parent
    text = (folder / "hcl2.lark").read_text(encoding="utf-8")
    for old, new in _MENDED:
        text = text.replace(old, new)
    grammar = Lark(text, parser="lalr", postlex=PostLexer())
    parsed = grammar.parser.parser._parse_table  # noqa: SLF001  (what this script is for)
    lexer = grammar.parser.lexer.lexer
    rules: dict[Any, int] = {}
    sets: dict[tuple[str, ...], int] = {}
    numbers = _numbered(parsed)
    scanners = [_scanner(one) for one in dict.fromkeys(lexer.lexers[state] for state in numbers)]
    states = []
    for state in numbers:
        moves, reductions = {}, {}
        for symbol, (action, argument) in sorted(parsed.states[state].items()):
            if action is Shift:
                moves[symbol] = numbers[argument]
            else:
                reductions.setdefault(rules.setdefault(argument, len(rules)), []).append(symbol)
        reduced = [[rule, sets.setdefault(tuple(symbols), len(sets))] for rule, symbols in reductions.items()]
        states.append([scanners.index(_scanner(lexer.lexers[state])), moves, reduced])
    ordered = sorted(lexer.root_lexer.terminals, key=_order)
    return {
        "fingerprint": fingerprint(folder),
        "start": numbers[parsed.start_states["start"]],
        "end": numbers[parsed.end_states["start"]],
        "terminals": {terminal.name: terminal.pattern.to_regexp() for terminal in ordered},
        "begins": {terminal.name: _begins(terminal.pattern.to_regexp()) for terminal in ordered},
        "ignored": sorted(lexer.root_lexer.ignore_types),
        "operators": sorted(OPERATOR_TYPES),
        "everything": _scanner(lexer.root_lexer),
        "scanners": scanners,
        "sets": [list(symbols) for symbols in sets],
        "rules": [_rule(rule) for rule in rules],
        "states": states,
    }


def _begins(pattern: str) -> str:
    """Give the characters of ASCII that a terminal can begin with."""
    return "".join(char for char in map(chr, range(128)) if regex.match(pattern, char, partial=True))


def _numbered(parsed: Any) -> dict[Any, int]:
    """Give each state a number, in the order in which they are reached from the first."""
    numbers: dict[Any, int] = {}
    waiting = [parsed.start_states["start"]]
    while waiting:
        state = waiting.pop(0)
        if state not in numbers:
            numbers[state] = len(numbers)
            waiting.extend(to for _, (action, to) in sorted(parsed.states[state].items()) if action is Shift)
    return numbers


def _order(terminal: Any) -> tuple[object, ...]:
    return (-terminal.priority, -terminal.pattern.max_width, -len(terminal.pattern.value), terminal.name)


def _scanner(lexer: BasicLexer) -> dict[str, Any]:
    """Give the terminals that are tried, in order, and the words that are terminals of their own."""
    tried = [terminal.name for terminal in lexer.scanner.terminals]
    unless = {name: dict(_words(callback)) for name, callback in sorted(lexer.callback.items())}
    return {"tried": tried, "words": unless}


def _words(callback: Any) -> Iterator[tuple[str, str]]:
    for terminal in callback.scanner.terminals:
        assert isinstance(terminal.pattern, PatternStr)  # noqa: S101
        yield terminal.pattern.value, terminal.name


def _rule(rule: Any) -> list[Any]:
    """Give a rule: what it makes, how many parts it takes, by which name it is built, and which parts are spliced.

    A rule whose name begins with `_` is spliced into the rule that uses it.
    """
    assert not rule.options.empty_indices  # noqa: S101
    assert rule.options.keep_all_tokens or not any(part.is_term and part.filter_out for part in rule.expansion)  # noqa: S101
    spliced = [index for index, part in enumerate(rule.expansion) if not part.is_term and part.name.startswith("_")]
    origin = rule.origin.name
    one = bool(rule.options.expand1 and not rule.alias)
    return [origin, len(rule.expansion), "" if origin.startswith("_") else rule.alias or origin, spliced, one]


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TABLE.stat().st_size:,} bytes\n")
