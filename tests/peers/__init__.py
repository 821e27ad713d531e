"""Other people's programs at the virtual modem, and ours at other people's: set up, started,
ended."""
