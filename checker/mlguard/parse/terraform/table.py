"""A parser that is driven by a parse table: the LALR method, with a scanner that knows what may follow.

Lark made the table from the grammar of python-hcl2, and this reads a text exactly as Lark would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
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


_new = str.__new__  # calling the class does no more, and takes longer


class _Scanner(dict[str, "Callable[[str, int], re.Match[str] | None]"]):
    """Terminals that are tried in order, and for some of them words that are terminals of their own.

    What it holds matches, by the character that stands next, those of them that can begin with that one.
    """

    def __init__(self, tried: Sequence[str], words: Mapping[str, Mapping[str, str]], table: Mapping[str, Any]) -> None:
        super().__init__()
        self.words = words
        self._tried = tried
        self._table = table

    def __missing__(self, char: str) -> Callable[[str, int], re.Match[str] | None]:
        begins, patterns = self._table["begins"], self._table["terminals"]
        tried = [name for name in self._tried if char in begins[name] or not char.isascii()]
        self[char] = re.compile("|".join(f"(?P<{name}>{patterns[name]})" for name in tried) or "(?!)").match
        return self[char]


class _Rule(NamedTuple):
    """What a rule makes, how many parts it takes, and what builds its value; None where it is spliced elsewhere."""

    makes: str
    size: int
    build: Callable[[list[Any]], Any] | None
    spliced: Sequence[int]


class _State:
    """What may follow on what has been read: `actions` say what to do before each symbol.

    That is the state to go on to, or the rule to apply; a number stands for either until it is met.
    `usual` tries all words that may stand outside of a text in quotes, or inside.
    """

    __slots__ = ("actions", "number", "usual")

    def __init__(self, number: int, actions: dict[str, Any], usual: _Scanner) -> None:
        self.number = number
        self.actions = actions
        self.usual = usual


class _Chain(dict[_State, tuple[_State, "Sequence[Callable[[Any], Any]]"]]):
    """A rule of one part, and those that follow on it: a name is a term, is a sum, is a condition.

    For each state below: the one after all of them, and what builds the value, step by step.
    """

    def __init__(self, makes: str, build: Callable[[Any], Any] | None) -> None:
        super().__init__()
        self.makes = makes
        self.build = build


class TableParser:
    """Parses texts by a table; `builder` has a method for each rule, called with what its parts gave.

    Those methods of it that are `passing` give a single part back as it is.
    """

    def __init__(self, table: Mapping[str, Any], builder: object, passing: Collection[str] = ()) -> None:
        self._table = table
        self._builder = builder
        self._passing = passing
        self._ignored = frozenset(table["ignored"])
        self._operators = frozenset(table["operators"])
        self._states: dict[int, _State] = {}
        self._scanners: dict[int, _Scanner] = {}
        self._usual: dict[bool, _Scanner] = {}

    def parse(self, text: str) -> Any:  # noqa: ANN401  (whatever the builder made)
        """Parse a whole text; TextError where it is not a sentence of the grammar."""
        states = [self._state(self._table["start"])]
        values: list[Any] = []
        position, last, waiting = 0, None, None
        following, take = self._next, self._take
        while True:
            word = following(text, position, states[-1])
            if word is not None and word.type == _LINE_END:
                if waiting is not None:
                    take(waiting, states, values)
                    last = waiting
                position, waiting = word.end_pos, word
                continue
            if waiting is not None:
                if word is not None and word.type in self._operators:  # a line may end before an operator
                    word = _word(word.type, waiting + word, word.start_pos, word.end_pos)
                else:
                    take(waiting, states, values)
                    last = waiting
                waiting = None
            if word is None:
                break
            take(word, states, values)
            position, last = word.end_pos, word
        take(_word("$END", "", *((last.start_pos, last.end_pos) if last is not None else (0, 0))), states, values)
        return values[0]

    def _take(self, word: Word, states: list[_State], values: list[Any]) -> None:
        """Apply the rules that end before a word, and put it on the stack; at the end of the text, leave the result."""
        kind, top = word.type, states[-1]
        action: Any
        while True:
            action = top.actions.get(kind)
            what = action.__class__
            if what is _State:
                states.append(action)
                values.append(word)
                return
            if what is _Chain:
                below = states[-2]
                top, builds = action.get(below) or self._followed(action, below, kind)
                states[-1] = top
                for build in builds:
                    values[-1] = build(values[-1])
            elif what is _Rule:
                makes, size, build, spliced = action
                since = len(values) - size
                parts = values[since:]
                del values[since:], states[since + 1 :]
                if spliced:
                    parts = _splice(parts, spliced)
                values.append(build(parts) if build is not None else parts)
                top = self._resolved(states[-1], makes)
                states.append(top)
            elif action is not None:
                self._resolved(top, kind)
            elif kind == "$END" and top.number == self._table["end"]:
                return
            else:
                shown = word.strip().split("\n")[0] or "the end of the line"
                raise TextError(f"unexpected {shown[:40]!r}", word.start_pos)

    def _followed(self, chain: _Chain, below: _State, kind: str) -> tuple[_State, Sequence[Callable[[Any], Any]]]:
        """Follow a chain from the state below, before a word of a kind."""
        builds: list[Callable[[Any], Any]] = []
        action: Any = chain
        while action.__class__ is _Chain:
            if action.build is not None:
                builds.append(action.build)
            top: _State = self._resolved(below, action.makes)
            action = self._resolved(top, kind)
        chain[below] = top, builds
        return chain[below]

    def _resolved(self, state: _State, symbol: str) -> Any:  # noqa: ANN401  (a state, a rule or a chain)
        """Give what to do before a symbol; None where it may not stand there."""
        action = state.actions.get(symbol)
        if action.__class__ is int:
            action = self._state(action) if action >= 0 else self._rule(*self._table["rules"][~action])
            state.actions[symbol] = action
        return action

    def _next(self, text: str, position: int, state: _State) -> Word | None:
        """Give the next word that may stand here; None at the end of the text.

        All words that may stand outside of a text in quotes are tried at once, which is right wherever the one found
        is allowed; only else the words of this very state are.
        """
        end, actions, usual = len(text), state.actions, state.usual
        while position < end:
            match = usual[text[position]](text, position)
            kind = match.lastgroup if match else None
            if match and kind in actions:
                shown = match[0]
                named = usual.words[kind].get(shown, kind) if kind in usual.words else kind
                if named in actions:
                    word = _new(Word, shown)
                    word.type, word.start_pos, word.end_pos = named, position, match.end()
                    return word
            elif match and kind in self._ignored:
                position = match.end()
                continue
            found = self._scan(self._scanner(self._table["states"][state.number][0]), text, position)
            if found is None:
                self._refuse(text, position)
            elif found.type in self._ignored:
                position = found.end_pos
            else:
                return found
        return None

    @staticmethod
    def _scan(scanner: _Scanner, text: str, position: int) -> Word | None:
        match = scanner[text[position]](text, position)
        if match is None or match.lastgroup is None:
            return None
        kind = match.lastgroup
        return _word(scanner.words.get(kind, {}).get(match[0], kind), match[0], position, match.end())

    def _refuse(self, text: str, position: int) -> None:
        """Say what stands where nothing of its kind may, or that it is no word at all."""
        word = self._scan(self._scanner(-1), text, position)
        shown = text[position] if word is None else word.strip().split("\n")[0] or "the end of the line"
        raise TextError(f"unexpected {shown[:40]!r}", position)

    def _state(self, number: int) -> _State:
        """Give a state by its number."""
        if number not in self._states:
            _, moves, reductions = self._table["states"][number]
            actions = dict(moves)
            for rule, symbols in reductions:
                actions |= dict.fromkeys(self._table["sets"][symbols], ~rule)
            self._states[number] = _State(number, actions, self._usual_scanner(in_text=_IN_TEXT in actions))
        return self._states[number]

    def _scanner(self, number: int) -> _Scanner:
        """Give a scanner by its number; -1 is the one that knows every word."""
        if number not in self._scanners:
            written = self._table["scanners"][number] if number >= 0 else self._table["everything"]
            self._scanners[number] = _Scanner(written["tried"], written["words"], self._table)
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
            self._usual[in_text] = _Scanner(order, words, self._table)
        return self._usual[in_text]

    def _rule(self, makes: str, size: int, built_by: str, spliced: list[int], passes_one: bool) -> _Rule | _Chain:  # noqa: FBT001  (as the table says it)
        build = getattr(self._builder, built_by, _unreadable) if built_by else None
        if size == 1:
            passes = passes_one or built_by in self._passing
            return _Chain(makes, None if passes else _of_one(build, spliced=bool(spliced)))
        if passes_one and build is not None:
            return _Rule(makes, size, lambda parts: parts[0] if len(parts) == 1 else build(parts), spliced)
        return _Rule(makes, size, build, spliced)


def _of_one(build: Callable[[list[Any]], Any] | None, *, spliced: bool) -> Callable[[Any], Any] | None:
    """Give what builds the value of a rule from its one part; None where that is the value."""
    if spliced:
        return build
    return (lambda part: build([part])) if build is not None else (lambda part: [part])


def _word(kind: str, text: str, start: int, end: int) -> Word:
    word = _new(Word, text)
    word.type, word.start_pos, word.end_pos = kind, start, end
    return word


def _splice(parts: list[Any], spliced: Sequence[int]) -> list[Any]:
    if spliced == [0]:  # a repetition grows in place, else long lists would take quadratic time
        grown: list[Any] = parts[0]
        grown.extend(parts[1:])
        return grown
    found: list[Any] = []
    for index, part in enumerate(parts):
        if index not in spliced:
            found.append(part)
        elif found:
            found.extend(part)
        else:
            found = part
    return found


def _unreadable(_parts: list[Any]) -> None:
    """Refuse what the scanner ought to have taken out: heredocs and directives."""
    raise TextError("the text cannot be read", 0)
