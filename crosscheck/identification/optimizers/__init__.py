"""Identification of optimizers."""
