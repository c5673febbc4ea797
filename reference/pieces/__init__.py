"""The pieces that formulas are composed of: each axis once, with what its options do, and what many formulas share."""
