"""The engine: arithmetics, input domains, fit, witnesses, verdicts, and running a campaign."""
