"""Run regular expressions in time that grows with the text alone: all ways to match advance together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from mlguard.parse.terraform.failure import NotEvaluatedError
from mlguard.parse.terraform.functions.character_class import POSIX, Characters
from mlguard.parse.terraform.functions.expression_syntax import Alternatives, Group, Part, Repeated, read
from mlguard.record import record

_MAX_PROGRAM = 5_000
MAX_STEPS = 400_000
Saved = tuple[int, ...]
"""Where the groups begin and end, -1 for those that took no part."""


@record()
class Split:
    """Go on at two places, the first one preferred."""

    first: int
    second: int


@record()
class Save:
    """Note the place in a slot."""

    slot: int


Instruction = Characters | str | Split | Save | None
"""A `str` is an assertion; None is the end."""


@record()
class Program:
    """A regular expression, ready to run."""

    code: list[Instruction]
    groups: int
    names: dict[int, str]


class Machine:
    """Runs regular expressions, and counts the steps that takes."""

    def __init__(self) -> None:
        self.steps = 0

    def matches(self, program: Program, text: str) -> Iterator[Saved]:
        """Give all matches that do not overlap, an empty one not right behind another."""
        position, last = 0, -1
        while position <= len(text):
            saved = self.search(program, text, position)
            if saved is None:
                return
            begin, end = saved[0], saved[1]
            empty = end == position
            position = position + 1 if empty else end
            if not empty or begin != last:
                yield saved
            last = end

    def search(self, program: Program, text: str, start: int = 0) -> Saved | None:
        """Find the leftmost match from a place on, and of those the one that the expression prefers."""
        empty: Saved = (-1,) * (2 * program.groups + 2)
        found: Saved | None = None
        threads: list[tuple[int, Saved]] = []
        for position in range(start, len(text) + 1):
            if found is None:
                threads.append((0, empty))
            elif not threads:
                break
            ready = self._closure(program, threads, text, position)
            threads = []
            character = text[position] if position < len(text) else ""
            for place, saved in ready:
                instruction = program.code[place]
                if instruction is None:
                    found = saved
                    break
                if character and isinstance(instruction, Characters) and instruction.holds(character):
                    threads.append((place + 1, saved))
        return found

    def _closure(
        self, program: Program, threads: list[tuple[int, Saved]], text: str, position: int
    ) -> list[tuple[int, Saved]]:
        """Follow everything that takes no character, in the order of preference."""
        ready: list[tuple[int, Saved]] = []
        seen: set[int] = set()
        waiting = threads[::-1]
        while waiting:
            place, saved = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            self.steps += 1
            instruction = program.code[place]
            if isinstance(instruction, Split):
                waiting += ((instruction.second, saved), (instruction.first, saved))
            elif isinstance(instruction, Save):
                slot = instruction.slot
                waiting.append((place + 1, (*saved[:slot], position, *saved[slot + 1 :])))
            elif isinstance(instruction, str):
                if _holds(instruction, text, position):
                    waiting.append((place + 1, saved))
            else:
                ready.append((place, saved))
        if self.steps > MAX_STEPS:
            raise NotEvaluatedError("the regular expression takes too many steps")
        return ready


def _holds(assertion: str, text: str, position: int) -> bool:
    if assertion == "begin":
        return position == 0
    if assertion == "end":
        return position == len(text)
    before, after = text[position - 1 : position] if position else "", text[position : position + 1]
    if assertion == "line begin":
        return before in ("", "\n")
    if assertion == "line end":
        return after in ("", "\n")
    word = [bool(character) and POSIX["word"].holds(character) for character in (before, after)]
    return (word[0] != word[1]) is (assertion == "word")


@lru_cache(maxsize=256)
def program_of(source: str) -> Program:
    """Compile a regular expression; FailureError where Go refuses it."""
    syntax = read(source)
    code: list[Instruction] = [Save(0)]
    _alternatives(syntax.root, code)
    code += (Save(1), None)
    return Program(code, syntax.groups, syntax.names)


def _alternatives(part: Alternatives, code: list[Instruction]) -> None:
    """Write the sequences one behind the other; each jumps behind the last, by a split with two equal targets."""
    jumps: list[int] = []
    for index, sequence in enumerate(part.sequences):
        split = len(code)
        last = index + 1 == len(part.sequences)
        if not last:
            code.append(None)
        for below in sequence:
            _part(below, code)
        if not last:
            jumps.append(len(code))
            code.append(None)
            code[split] = Split(split + 1, len(code))
    for jump in jumps:
        code[jump] = Split(len(code), len(code))


def _part(part: Part, code: list[Instruction]) -> None:
    if len(code) > _MAX_PROGRAM:
        raise NotEvaluatedError("the regular expression is too large")
    if isinstance(part, Alternatives):
        _alternatives(part, code)
    elif isinstance(part, Group):
        code.append(Save(2 * part.number))
        _alternatives(part.inner, code)
        code.append(Save(2 * part.number + 1))
    elif isinstance(part, Repeated):
        _repeated(part, code)
    else:
        code.append(part)


def _repeated(part: Repeated, code: list[Instruction]) -> None:
    for _ in range(part.least - (part.most is None and part.least > 0)):
        _part(part.part, code)
    if part.most is None:
        _endless(part, code)
        return
    splits: list[int] = []
    for _ in range(part.most - part.least):
        splits.append(len(code))
        code.append(None)
        _part(part.part, code)
    for split in splits:
        code[split] = _choice(split + 1, len(code), greedy=part.greedy)


def _endless(part: Repeated, code: list[Instruction]) -> None:
    """Write `x+` as the part and a way back, and `x*` as that with a way around it."""
    around = len(code)
    if part.least == 0:
        code.append(None)
    begin = len(code)
    _part(part.part, code)
    code.append(_choice(begin, len(code) + 1, greedy=part.greedy))
    if part.least == 0:
        code[around] = _choice(begin, len(code), greedy=part.greedy)


def _choice(inside: int, behind: int, *, greedy: bool) -> Split:
    return Split(inside, behind) if greedy else Split(behind, inside)
