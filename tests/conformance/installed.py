"""Makes `pytest --pyargs gradspec.tests.conformance --adapter torch` work wherever gradspec is installed.

pytest reads the conftest of a package that it is given by name only after it has parsed its options. This module is loaded
by every pytest beside which gradspec is installed, so it imports nothing unless the suite is asked for.
"""

from __future__ import annotations

from typing import Any

SUITE = "gradspec.tests.conformance"


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    if "--pyargs" in args and any(argument.startswith(SUITE) for argument in args):
        early_config.pluginmanager.import_plugin(f"{SUITE}.plugin")
