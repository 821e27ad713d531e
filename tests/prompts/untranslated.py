"""Writes the shipped catalogues of the languages that nobody here can write again, after the words
that stand in for theirs were changed: ``python -m tests.prompts.untranslated``."""

from __future__ import annotations

from tipline_gw.prompts.catalogue import Catalogue, shipped
from tipline_gw.prompts.listing import template
from tipline_gw.resources import catalogues


def languages() -> list[str]:
    return [code for code in shipped() if Catalogue.load(code).fallback]


if __name__ == "__main__":
    for code in languages():
        (catalogues() / f"{code}.po").write_text(template(code), "utf-8")
