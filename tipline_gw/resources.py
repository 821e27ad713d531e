"""Finds the data that travels with the program: profiles, dialplans, unit files, a sample
configuration. In a wheel they lie in the package; in a checkout beside it."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """``dialplans``, ``modem_profiles``, ``config`` or ``systemd``, wherever it was installed."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def catalogues() -> Path:
    """The text catalogues, a PO file per language."""
    return _PACKAGE / "catalogues"
