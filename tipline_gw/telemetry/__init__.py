"""What the program says of itself: logs, metrics, health. None of it can say who called."""
