"""Identification of functions."""
