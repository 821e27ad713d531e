"""``make bench``: what things cost, each beside a peer in the same run. Not a test: it judges
nothing.

    python -m tests.bench [NAME…]

Without names all are measured but ``profile``.
"""
