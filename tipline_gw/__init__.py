"""A telephone and SMS gateway for an anonymous tip line."""

__version__ = "0.1.0"
