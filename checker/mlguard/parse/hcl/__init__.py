"""Terraform configurations to raw projects, one for each root module.

A root is a folder that no other scanned folder calls, or one that has a provider or backend configuration of its own.
A called module is judged through its calls, with the caller's arguments.
"""

from mlguard.parse.hcl.load import Variables, is_terraform_file, load

__all__ = ["Variables", "is_terraform_file", "load"]
