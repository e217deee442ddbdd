"""Terraform and OpenTofu: folders of `.tf` files to projects of resources.

Nothing of the grammar is imported before the first block must be parsed.
"""

from mlguard.parse.terraform.assignments import Variables
from mlguard.parse.terraform.project import Folders, load

__all__ = ["Folders", "Variables", "load"]
