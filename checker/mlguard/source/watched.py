"""A folder that remembers what it was asked, so that it can be told later whether the answers would be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import TypeVar

from mlguard.errors import MlguardError
from mlguard.source.root import MAX_BYTES, Entry, Noted, Root

T = TypeVar("T")
UNKNOWN = "unknown"
"""A question that nobody can answer."""


def digest(content: bytes) -> str:
    """Give the hash by which contents are told apart."""
    return blake2b(content, digest_size=16).hexdigest()


class Watched(Root):
    """A root that answers as another one does.

    What is asked while `watching` is noted. Whoever keeps something that was read for the next who asks, tells with
    `again` that it was used again.
    """

    def __init__(self, root: Root) -> None:
        super().__init__(root.folder)
        self._root = root
        self._answers: dict[str, str] = {}
        self._noting: list[dict[str, str]] = []

    def watching(self, make: Callable[[], T]) -> tuple[T, Noted]:
        """Give what is made, and everything that was asked for it."""
        noted: dict[str, str] = {}
        self._noting.append(noted)
        try:
            made = make()
        finally:
            self._noting.pop()
            self.again(noted)
        return made, noted

    def again(self, noted: Noted) -> None:
        """Note what was asked earlier for something that is used now."""
        if self._noting:
            self._noting[-1].update(noted)

    def never_the_same(self) -> None:
        """Note that something was used of which nobody can say what it was made of."""
        self.again({UNKNOWN: ""})

    def answers(self, noted: Noted) -> bool:
        """Tell whether the answers to some questions are what they were; each question is asked once."""
        for question, answer in noted.items():
            known = self._answers.get(question)
            if known is None:
                known = self._asked_now(question)
            if known != answer:
                return False
        return True

    def _asked_now(self, question: str) -> str:
        word, _, path = question.partition(" ")
        word, _, limit = word.partition(":")
        asks: dict[str, Callable[[str], object]] = {
            "bytes": partial(self.read_bytes, limit=int(limit or MAX_BYTES)),
            "file": self.is_file,
            "folder": self.is_folder,
            "there": self.exists,
            "entries": self.entries,
            "names": self.names,
            "link": self.link_target,
        }
        if word in asks:
            with suppress(MlguardError):  # that is the answer
                asks[word](path)
        return self._answers.get(question, "nobody knows")

    def _note(self, question: str, answer: str) -> None:
        self._answers[question] = answer
        if self._noting and self._noting[-1].setdefault(question, answer) != answer:
            self.never_the_same()  # it changed while it was read

    def _told(self, word: str, path: str, ask: Callable[[], T], write: Callable[[T], str]) -> T:
        try:
            answer = ask()
        except MlguardError as error:
            self._note(f"{word} {path}", f"{type(error).__name__} {error.line} {error.message}")
            raise
        self._note(f"{word} {path}", write(answer))
        return answer

    def read_bytes(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """Read a regular file of at most `limit` bytes; SourceError or LimitError otherwise."""
        word = "bytes" if limit == MAX_BYTES else f"bytes:{limit}"
        return self._told(word, path, lambda: self._root.read_bytes(path, limit), digest)

    def read_start(self, path: str, size: int) -> bytes:
        """Read the first `size` bytes of a regular file that is too large to be read; SourceError otherwise."""
        self.never_the_same()
        return self._root.read_start(path, size)

    def is_file(self, path: str) -> bool:
        """Tell whether the path is a regular file."""
        return self._told("file", path, lambda: self._root.is_file(path), str)

    def is_folder(self, path: str) -> bool:
        """Tell whether the path is a folder."""
        return self._told("folder", path, lambda: self._root.is_folder(path), str)

    def exists(self, path: str) -> bool:
        """Tell whether anything at all stands there."""
        return self._told("there", path, lambda: self._root.exists(path), str)

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name; SourceError where that cannot be done."""
        return self._told("entries", folder, lambda: self._root.entries(folder), _listing)

    def names(self, folder: str) -> list[str]:
        """List the names in a folder, sorted; empty when it cannot be listed."""
        return self._told("names", folder, lambda: self._root.names(folder), _listing)

    def link_target(self, path: str) -> str | None:
        """Give where a symbolic link leads; None where that is outside of the root."""
        return self._told("link", path, lambda: self._root.link_target(path), str)


def _listing(found: Sequence[object]) -> str:
    return digest(repr(found).encode("utf-8", "surrogatepass"))
