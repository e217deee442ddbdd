"""What earlier scans found out, for as long as everything that it was made of is the same.

What is kept is kept under everything that all units have in common: this mlguard, the configuration, what the user
says. It holds where the files, listings and absences that were looked at then are what they are now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mlguard.cache.description import description
from mlguard.cache.identity import identity
from mlguard.cache.store import Store
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.record import replace
from mlguard.scan.discover import Found
from mlguard.scan.options import Options, Terms
from mlguard.source import Noted
from mlguard.source.watched import UNKNOWN, Watched, digest


class Remembered:
    """What is known of the units and folders of one scan, each named by its path.

    The root of the options must be the one that they are read from.
    """

    def __init__(self, options: Options, store: Store, root: Watched) -> None:
        self._terms = options.terms
        self._store = store
        self._root = root
        self._state = _state(options)
        self._by_terms: dict[int, str] = {}

    def known(self, what: str, paths: Sequence[str]) -> dict[str, Any]:
        """Give the JSON that is kept for some of these paths and still holds."""
        keys = {self.key(what, path): path for path in paths}
        found: dict[str, Any] = {}
        for key, text in self._store.find(list(keys)).items():
            content, noted = json.loads(text)
            if self._root.answers(noted):
                found[keys[key]] = content
        return found

    def keep(self, what: str, made: Mapping[str, tuple[object, Noted]]) -> None:
        """Keep JSON by path, with what was looked at for it; nothing of which nobody knows what it was made of."""
        texts = {
            self.key(what, path): json.dumps(both, separators=(",", ":"))
            for path, both in made.items()
            if UNKNOWN not in both[1]
        }
        if texts:
            self._store.keep(texts)

    def recalled(self, what: str, paths: Sequence[str], make: Callable[[str], Any]) -> dict[str, Any]:
        """Give for each path the JSON that is made of it, made only where it is not known."""
        found = self.known(what, paths)
        made = {path: self._root.watching(partial(make, path)) for path in paths if path not in found}
        self.keep(what, made)
        return {path: found[path] if path in found else made[path][0] for path in paths}

    def key(self, what: str, path: str) -> str:
        """Give a hash of what is asked, and of everything that the answer may depend on beside what is read for it."""
        return _hash(self._state, self._hash_of_terms(self._terms(path)), what, path)

    def _hash_of_terms(self, terms: Terms) -> str:
        if id(terms) not in self._by_terms:
            more = description([terms.configuration, terms.rates, terms.mandatory])
            written = [_named(terms.policies), _named(terms.known), more]
            self._by_terms[id(terms)] = _hash(json.dumps(written))
        return self._by_terms[id(terms)]


def remembered(options: Options, found: Found) -> tuple[Options, Remembered | None]:
    """Give what is known of a scan, and the options with a root that notes what is read; None where nobody can tell."""
    if options.store is None:
        return options, None
    root = Watched(options.root)
    try:
        known = Remembered(options, options.store, root)
        for path in ("", *found.templates, *found.terraform, *found.assemblies):
            known.key("", path)
    except TypeError:
        return options, None  # something is not to be written down: nobody can tell whether it is the same
    return replace(options, root=root), known


def _state(options: Options) -> str:
    """Give a hash of what holds for everything that is scanned."""
    given = [options.variables, options.given.files, options.given.values]
    settings = [options.environment, options.region, options.validate is not None, options.heed_ignores]
    written = [_named(options.policies), description([*settings, *given])]  # all policies tell what is worth reading
    return _hash(identity(), str(options.root.folder), json.dumps(written))


def _named(policies: Sequence[Policy]) -> list[object]:
    """Write policies down; those that ship with mlguard are known by their ids."""
    bundled = {id(policy) for policy in bundled_policies()}
    return [policy.id if id(policy) in bundled else description(policy) for policy in policies]


def _hash(*texts: str) -> str:
    return digest("\0".join(texts).encode("utf-8", "surrogatepass"))
