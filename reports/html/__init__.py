"""The HTML report: findings put in order, drawn and set, in pages that need nothing else."""
