"""What git knows of the scanned repository: commits, their trees, and who wrote a line."""

from mlguard.history.git import Repository, repository_of
from mlguard.history.tree import TreeRoot

__all__ = ["Repository", "TreeRoot", "repository_of"]
