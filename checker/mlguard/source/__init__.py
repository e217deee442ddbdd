"""Where text comes from: spans, documents, and the only code that opens a scanned file."""

from mlguard.source.document import Document, Span
from mlguard.source.overlay import Overlay
from mlguard.source.root import MAX_BYTES, Entry, Noted, Root

__all__ = ["MAX_BYTES", "Document", "Entry", "Noted", "Overlay", "Root", "Span"]
