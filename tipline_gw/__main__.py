"""``python -m tipline_gw``."""

from tipline_gw.cli.main import run

run()
