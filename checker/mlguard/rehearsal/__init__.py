"""The rehearsal before SCPs are attached: which resources of the code they would refuse, and by which statement."""

from mlguard.rehearsal.impact import Documents, Impact, Rehearsed, rehearse
from mlguard.rehearsal.requests import Deployer, requests_of

__all__ = ["Deployer", "Documents", "Impact", "Rehearsed", "rehearse", "requests_of"]
