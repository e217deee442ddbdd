"""Classes of characters in regular expressions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from mlguard.parse.terraform.failure import NotEvaluatedError
from mlguard.record import field, record, replace

_CATEGORIES = frozenset(
    [
        "L",
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "M",
        "Mn",
        "Mc",
        "Me",
        "N",
        "Nd",
        "Nl",
        "No",
        "P",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Pi",
        "Pf",
        "Po",
        "S",
        "Sm",
        "Sc",
        "Sk",
        "So",
        "Z",
        "Zs",
        "Zl",
        "Zp",
        "C",
        "Cc",
        "Cf",
        "Co",
        "Cs",
    ]
)
_LAST = 0x10FFFF


@record()
class Characters:
    """A set of characters: ranges of code points, categories of Unicode, and other sets."""

    ranges: tuple[tuple[int, int], ...]
    category: str = ""
    inner: tuple[Characters, ...] = ()
    negated: bool = False
    ignore_case: bool = False
    _known: dict[str, bool] = field(default_factory=dict, init=False, compare=False)

    @classmethod
    def of(cls, character: str, *, ignore_case: bool) -> Characters:
        """Give the set of one character."""
        return cls(((ord(character), ord(character)),), ignore_case=ignore_case)

    def with_part(self, part: Characters) -> Characters:
        """Give the set with more characters."""
        if part.negated or part.category or part.inner:
            return replace(self, inner=(*self.inner, part))
        return replace(self, ranges=(*self.ranges, *part.ranges))

    def holds(self, character: str) -> bool:
        """Tell whether a character is in the set."""
        found = self._known.get(character)
        if found is None:
            forms = (
                {character, character.lower(), character.upper(), character.casefold()}
                if self.ignore_case
                else {character}
            )
            found = any(self._holds(form) for form in forms if len(form) == 1) is not self.negated
            self._known[character] = found
        return found

    def _holds(self, character: str) -> bool:
        code = ord(character)
        if any(low <= code <= high for low, high in self.ranges) or any(part.holds(character) for part in self.inner):
            return True
        return bool(self.category) and unicodedata.category(character).startswith(self.category)


def _ascii(pairs: str) -> Characters:
    """Give the set of ranges written as pairs of characters."""
    return Characters(tuple((ord(low), ord(high)) for low, high in zip(pairs[::2], pairs[1::2], strict=True)))


ANY = Characters(((0, _LAST),))
NOT_NEWLINE = replace(_ascii("\n\n"), negated=True)
_WORD = _ascii("09AZ__az")
POSIX: Mapping[str, Characters] = {
    "alnum": _ascii("09AZaz"),
    "alpha": _ascii("AZaz"),
    "ascii": _ascii("\x00\x7f"),
    "blank": _ascii("\t\t  "),
    "cntrl": _ascii("\x00\x1f\x7f\x7f"),
    "digit": _ascii("09"),
    "graph": _ascii("!~"),
    "lower": _ascii("az"),
    "print": _ascii(" ~"),
    "punct": _ascii("!/:@[`{~"),
    "space": _ascii("\t\r  "),
    "upper": _ascii("AZ"),
    "word": _WORD,
    "xdigit": _ascii("09AFaf"),
}
_PERL = {"d": POSIX["digit"], "w": _WORD, "s": _ascii("\t\n\f\r  ")}


def perl(letter: str) -> Characters:
    r"""Give the class of `\d`, `\s`, `\w`, or of their opposites in capital letters."""
    return replace(_PERL[letter.lower()], negated=letter.isupper())


def property_of(name: str, *, negated: bool) -> Characters:
    r"""Give the class of `\p{name}`; NotEvaluatedError for the names of scripts."""
    if name.startswith("^"):
        name, negated = name[1:], not negated
    if name == "Any":
        return replace(ANY, negated=negated)
    if name not in _CATEGORIES:
        raise NotEvaluatedError(f"the class \\p{{{name}}} of regular expressions is not one that mlguard evaluates")
    return Characters((), name, negated=negated)
