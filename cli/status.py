"""Exit statuses."""

from typing import Final

FINE: Final = 0
FAILED: Final = 1  # a defect, a stale claim, an unexpected not-run, or a framework asked for by name that is not installed
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells say it
