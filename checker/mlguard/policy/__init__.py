"""Policies: their model, their loader and their evaluation."""
