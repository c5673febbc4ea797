"""Findings in words: one module for each part of them. Nothing here is parsed or compared."""
