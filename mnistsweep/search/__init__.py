"""Which trial comes next, and which training is not worth continuing."""
