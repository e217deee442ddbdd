"""Text to raw resources: one package or module for each format."""
