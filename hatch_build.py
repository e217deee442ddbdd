"""Writes the compiled form of the policies into the wheel."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledPolicies(BuildHookInterface[Any]):
    """Adds `mlguard/policies/compiled.json`, which every scan reads instead of a hundred YAML files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the policies of this checkout; an editable install keeps reading their YAML."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "checker"))
        from mlguard import compiled  # noqa: PLC0415  (what is built, not what is installed)
        from mlguard.json_form import JsonForm  # noqa: PLC0415
        from mlguard.policy import load, parameters  # noqa: PLC0415
        from mlguard.vocabulary import load as vocabulary  # noqa: PLC0415

        content = {
            "parameters": JsonForm(parameters.COMPILED).encoded(parameters.bundled_parameters()),
            "policies": JsonForm(load.COMPILED).encoded(load.bundled_policies()),
            "vocabulary": JsonForm(vocabulary.COMPILED).encoded(vocabulary.bundled_vocabulary()),
        }
        self._folder = tempfile.TemporaryDirectory()  # kept until the wheel is written
        path = Path(self._folder.name) / compiled.FILE_NAME
        path.write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")
        build_data["force_include"][str(path)] = f"mlguard/policies/{compiled.FILE_NAME}"
