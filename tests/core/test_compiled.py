from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlguard import compiled
from mlguard.json_form import JsonForm
from mlguard.policy import load as policies
from mlguard.policy import parameters
from mlguard.vocabulary import load as vocabulary


def test_what_is_compiled_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = {
        "parameters": (parameters.bundled_parameters(), parameters.COMPILED),
        "policies": (policies.bundled_policies(), policies.COMPILED),
        "vocabulary": (vocabulary.bundled_vocabulary(), vocabulary.COMPILED),
    }
    content = {name: JsonForm(classes).encoded(value) for name, (value, classes) in read.items()}
    (tmp_path / compiled.FILE_NAME).write_text(json.dumps(content), encoding="ascii")
    monkeypatch.setattr(compiled, "policies_folder", lambda: tmp_path)
    compiled._content.cache_clear()  # noqa: SLF001  (it has read that there is none in a checkout)
    try:
        for name, (value, classes) in read.items():
            assert JsonForm(classes).encoded(compiled.compiled(name, classes)) == content[name], value
    finally:
        compiled._content.cache_clear()  # noqa: SLF001


def test_a_checkout_reads_its_yaml() -> None:
    assert compiled.compiled("policies", policies.COMPILED) is None
