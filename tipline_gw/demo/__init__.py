"""Plays the outside world: phones, a network, modems, an Asterisk; and searches for numbers.

Beside ``boundary/`` the only room where numbers exist, because it is the one that calls. Nothing
of the product imports it but the command ``demo``.
"""
