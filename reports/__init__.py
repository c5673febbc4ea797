"""Findings on paper: reading and writing them, the HTML page, and what changed between two."""
