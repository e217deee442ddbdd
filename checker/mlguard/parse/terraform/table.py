"""A parser that is driven by a parse table: the LALR method, with a scanner that knows what may follow.

Lark made the table from the grammar of python-hcl2, and this reads a text exactly as Lark would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

_LINE_END = "NL_OR_COMMENT"
_IN_TEXT = "STRING_CHARS"


class TextError(Exception):
    """The text is not a sentence of the grammar; `offset` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Word(str):
    """A piece of the text, of the kind `type`; what Lark calls a token."""

    __slots__ = ("end_pos", "start_pos", "type")
    type: str
    start_pos: int
    end_pos: int


class _Scanner(NamedTuple):
    """Terminals that are tried in order, and for some of them words that are terminals of their own."""

    match: Callable[[str, int], re.Match[str] | None]
    words: Mapping[str, Mapping[str, str]]


class _Rule(NamedTuple):
    """What a rule makes, how many parts it takes, and what builds its value; None where it is spliced elsewhere."""

    makes: str
    size: int
    build: Callable[[list[Any]], Any] | None
    spliced: Sequence[int]
    passes_one: bool


class TableParser:
    """Parses texts by a table; `builder` has a method for each rule, called with what its parts gave."""

    def __init__(self, table: Mapping[str, Any], builder: object) -> None:
        self._table = table
        self._ignored = frozenset(table["ignored"])
        self._operators = frozenset(table["operators"])
        self._rules = [self._rule(builder, *written) for written in table["rules"]]
        self._rows: list[dict[str, int] | None] = [None] * len(table["states"])
        self._shortcuts: dict[tuple[int, int, str], int] = {}
        self._scanners: dict[int, _Scanner] = {}
        self._usual: dict[bool, _Scanner] = {}

    def parse(self, text: str) -> Any:  # noqa: ANN401  (whatever the builder made)
        """Parse a whole text; TextError where it is not a sentence of the grammar."""
        states: list[int] = [self._table["start"]]
        values: list[Any] = []
        position, last, waiting = 0, None, None
        while True:
            word = self._next(text, position, states[-1])
            if word is not None and word.type == _LINE_END:
                if waiting is not None:
                    self._take(waiting, states, values)
                    last = waiting
                position, waiting = word.end_pos, word
                continue
            if waiting is not None:
                if word is not None and word.type in self._operators:  # a line may end before an operator
                    word = _word(word.type, waiting + word, word.start_pos, word.end_pos)
                else:
                    self._take(waiting, states, values)
                    last = waiting
                waiting = None
            if word is None:
                break
            self._take(word, states, values)
            position, last = word.end_pos, word
        end = _word("$END", "", last.start_pos, last.end_pos) if last is not None else _word("$END", "", 0, 0)
        return self._take(end, states, values)

    def _take(self, word: Word, states: list[int], values: list[Any]) -> Any:  # noqa: ANN401
        """Apply the rules that end before a word, and put it on the stack; at the end of the text, give the result."""
        kind, rows, rules, shortcuts = word.type, self._rows, self._rules, self._shortcuts
        while True:
            top = states[-1]
            action = (rows[top] or self._row(top)).get(kind)
            if action is None:
                shown = word.strip().split("\n")[0] or "the end of the line"
                raise TextError(f"unexpected {shown[:40]!r}", word.start_pos)
            if action >= 0:
                states.append(action)
                values.append(word)
                return None
            makes, size, build, spliced, passes_one = rules[~action]
            if passes_one and size == 1:
                step = (states[-2], top, kind)
                states[-1] = shortcuts[step] if step in shortcuts else self._shortcut(step)
                continue
            parts = values[-size:] if size else []
            if size:
                del states[-size:], values[-size:]
            if spliced:
                parts = _splice(parts, spliced)
            value = parts if build is None else parts[0] if passes_one and len(parts) == 1 else build(parts)
            below = states[-1]
            state = (rows[below] or self._row(below))[makes]
            states.append(state)
            values.append(value)
            if kind == "$END" and state == self._table["end"]:
                return value

    def _shortcut(self, step: tuple[int, int, str]) -> int:
        """Give the state after all rules that only pass their one part on: a name is a term, is a sum, is a condition.

        `step` is the state below, the one on top, and the kind of word that follows.
        """
        below, top, kind = step
        while (action := self._row(top).get(kind, 0)) < 0:
            makes, size, _, _, passes_one = self._rules[~action]
            if not passes_one or size != 1:
                break
            top = self._row(below)[makes]
        self._shortcuts[step] = top
        return top

    def _next(self, text: str, position: int, state: int) -> Word | None:
        """Give the next word that may stand here; None at the end of the text.

        All words that may stand outside of a text in quotes are tried at once, which is right wherever the one found
        is allowed; only else the words of this very state are.
        """
        row = self._rows[state] or self._row(state)
        end = len(text)
        usual = self._usual.get(_IN_TEXT in row) or self._usual_scanner(in_text=_IN_TEXT in row)
        while position < end:
            match = usual.match(text, position)
            kind = match.lastgroup if match else None
            if match and kind in row:
                words = usual.words.get(kind)
                named = words.get(match[0], kind) if words else kind
                if named in row:
                    return _word(named, match[0], position, match.end())
            elif match and kind in self._ignored:
                position = match.end()
                continue
            found = self._scan(self._scanner(self._table["states"][state][0]), text, position)
            if found is None:
                self._refuse(text, position)
            elif found.type in self._ignored:
                position = found.end_pos
            else:
                return found
        return None

    @staticmethod
    def _scan(scanner: _Scanner, text: str, position: int) -> Word | None:
        match = scanner.match(text, position)
        if match is None or match.lastgroup is None:
            return None
        kind = match.lastgroup
        return _word(scanner.words.get(kind, {}).get(match[0], kind), match[0], position, match.end())

    def _refuse(self, text: str, position: int) -> None:
        """Say what stands where nothing of its kind may, or that it is no word at all."""
        word = self._scan(self._scanner(-1), text, position)
        shown = text[position] if word is None else word.strip().split("\n")[0] or "the end of the line"
        raise TextError(f"unexpected {shown[:40]!r}", position)

    def _row(self, state: int) -> dict[str, int]:
        """Give what each symbol does in a state: the next state, or below zero the rule to apply."""
        row = self._rows[state]
        if row is None:
            _, moves, reductions = self._table["states"][state]
            row = dict(moves)
            for rule, symbols in reductions:
                row |= dict.fromkeys(self._table["sets"][symbols], ~rule)
            self._rows[state] = row
        return row

    def _scanner(self, number: int) -> _Scanner:
        """Give a scanner by its number; -1 is the one that knows every word."""
        if number not in self._scanners:
            written = self._table["scanners"][number] if number >= 0 else self._table["everything"]
            self._scanners[number] = self._made(written["tried"], written["words"])
        return self._scanners[number]

    def _usual_scanner(self, *, in_text: bool) -> _Scanner:
        if in_text not in self._usual:
            chosen = [one for one in self._table["scanners"] if (_IN_TEXT in one["tried"]) == in_text]
            tried = {name for one in chosen for name in one["tried"]}
            words: dict[str, dict[str, str]] = {}
            for one in chosen:
                for name, own in one["words"].items():
                    words.setdefault(name, {}).update(own)
            embedded = {name for own in words.values() for name in own.values()}
            order = [name for name in self._table["terminals"] if name in tried and name not in embedded]
            self._usual[in_text] = self._made(order, words)
        return self._usual[in_text]

    def _made(self, tried: Sequence[str], words: Mapping[str, Mapping[str, str]]) -> _Scanner:
        patterns = self._table["terminals"]
        return _Scanner(re.compile("|".join(f"(?P<{name}>{patterns[name]})" for name in tried)).match, words)

    @staticmethod
    def _rule(builder: object, makes: str, size: int, built_by: str, spliced: list[int], passes_one: bool) -> _Rule:  # noqa: FBT001  (as the table says it)
        build = getattr(builder, built_by, _unreadable) if built_by else None
        return _Rule(makes, size, build, spliced, passes_one)


def _word(kind: str, text: str, start: int, end: int) -> Word:
    word = Word(text)
    word.type, word.start_pos, word.end_pos = kind, start, end
    return word


def _splice(parts: list[Any], spliced: Sequence[int]) -> list[Any]:
    found: list[Any] = []
    for index, part in enumerate(parts):
        if index not in spliced:
            found.append(part)
        elif found:
            found.extend(part)
        else:
            found = part  # a repetition grows in place, else long lists would take quadratic time
    return found


def _unreadable(_parts: list[Any]) -> None:
    """Refuse what the scanner ought to have taken out: heredocs and directives."""
    raise TextError("the text cannot be read", 0)
