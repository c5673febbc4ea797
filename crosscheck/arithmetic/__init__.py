"""The arithmetics that a formula body runs in: floating point, truth, the rounding model, symbols, and tangents over any."""
