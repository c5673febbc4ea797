"""Readings: what a reading may return on an input, and how that compares with what was observed."""
