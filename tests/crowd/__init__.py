"""Hundreds of callers at once, in one process, cheap enough to measure what they call."""
