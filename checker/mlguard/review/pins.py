"""Hashes of what a run judges by: own policies, which can be pinned, and the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from mlguard.errors import MlguardError, UsageError
from mlguard.policy.load import policy_files
from mlguard.policy.model import Policy
from mlguard.source import Root

_MAX_BYTES = 1_000_000


def pack_hash(root: Root, folder: str) -> str:
    """Give the hash of a folder of policies: of the names and the bytes of all its policy files."""
    digest = hashlib.sha256()
    for path in policy_files(root, folder):
        content = root.read_bytes(f"{folder}/{path}" if folder else path, _MAX_BYTES)
        for part in (path.encode("utf-8", "surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def check_pins(pins: Sequence[str], folders: Mapping[str, tuple[Root, str]]) -> None:
    """Refuse to judge by own policies that are not the pinned ones; UsageError says which hash they have."""
    if not pins:
        return
    found = {name: pack_hash(root, folder) for name, (root, folder) in folders.items()}
    for name, value in found.items():
        if value not in pins:
            raise UsageError(
                f"the policies of {name} are not those that --policy-pack-hash pins: their hash is {value}"
            )
    for pin in pins:
        if pin not in found.values():
            raise UsageError(f"no folder of own policies has the hash {pin}: nothing was judged")


def hash_of_policies(policies: Iterable[Policy]) -> str:
    """Give the hash of the policies that were judged, by all that they say."""
    digest = hashlib.sha256()
    for policy in sorted(policies, key=lambda one: one.id):
        digest.update(repr(policy).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def hash_of_files(root: Root, paths: Iterable[str]) -> str:
    """Give the hash of files that a run is steered by, empty where there are none."""
    digest, any_read = hashlib.sha256(), False
    for path in paths:
        try:
            content = root.read_bytes(path, _MAX_BYTES)
        except MlguardError:
            continue
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
        any_read = True
    return digest.hexdigest() if any_read else ""
