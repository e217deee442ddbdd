"""Terraform and OpenTofu: folders of `.tf` files to projects of resources.

Nothing of the grammar is imported before the first block must be parsed.
"""

from mlguard.parse.terraform.project import load
from mlguard.parse.terraform.variables import Variables

__all__ = ["Variables", "load"]
