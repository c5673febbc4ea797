"""How long the command line takes to start, against its limit and against what Python itself takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from _table import medians, ms, show

LIMIT = 0.3
GRADSPEC = str(Path(sys.executable).parent / "gradspec")
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    'python -c "import numpy"': (sys.executable, "-c", "import numpy"),
    "gradspec --help": (GRADSPEC, "--help"),
    "gradspec lines": (GRADSPEC, "lines"),
}


def main() -> None:
    runs = {name: lambda c=command: subprocess.run(c, check=True, capture_output=True) for name, command in COMMANDS.items()}
    seconds = medians(runs, repeats=9)
    bare = seconds["python -c pass"]
    rows = [
        (name, ms(found), f"{found / bare:.1f}", f"{found / LIMIT:.2f}" if name.startswith("gradspec") else "")
        for name, found in seconds.items()
    ]
    show("Start-up, median of 9", ("command", "time", "× python -c pass", f"of the limit of {LIMIT} s"), rows)


if __name__ == "__main__":
    main()
