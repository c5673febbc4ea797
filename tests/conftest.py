"""The options and fixtures of the suite, as a plugin of one name: an installed suite is loaded by that name too."""

pytest_plugins = ["gradspec.tests.conformance.plugin"]
