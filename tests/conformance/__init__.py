"""The conformance suite, as it is installed: ``pytest --pyargs gradspec.tests.conformance --adapter torch --line adam``."""
