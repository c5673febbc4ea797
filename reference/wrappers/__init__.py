"""What stands around optimizers, a kind a file. A new wrapper is a new file."""
