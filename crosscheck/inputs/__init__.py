"""Inputs: samples of a map, traces of an optimizer, and how many of them a profile draws."""
