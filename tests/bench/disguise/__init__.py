"""How well the voice disguise hides a speaker, and what it costs in words."""
