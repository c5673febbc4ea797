"""Cells: what a framework returns for one line, route, dtype and mode, and the verdict that follows."""
