"""A campaign: every cell of the matrix, in worker processes."""
