"""Witnesses: the smallest inputs that separate two readings, searched once, kept as data and replayed."""
