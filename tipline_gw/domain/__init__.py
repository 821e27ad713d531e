"""Plain values that the rooms hand to one another. The standard library only, no I/O."""
