"""Whether a number leaks, by trial: known numbers go in at every way there is, and then everything
that can be looked at is searched for them.

It exists because promises about what a program does not do can only be believed of one that was
watched. It refuses to be the product: nothing of the gateway imports it.
"""
