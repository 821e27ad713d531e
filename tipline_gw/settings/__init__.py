"""The one configuration file: its shape (``schema``) and how it is read (``loader``)."""

from tipline_gw.settings.loader import load
from tipline_gw.settings.schema import Modem, Settings

__all__ = ["Modem", "Settings", "load"]
