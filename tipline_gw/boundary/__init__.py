"""The hardware boundary: the only room where a phone number can exist.

Addresses come in here from a modem's serial line and are swapped for tokens before anything else
reads them; on the way out a token is swapped back. What leaves are the small frozen messages of
:mod:`tipline_gw.domain.sms`. It refuses to build an address as text, to log one, and to hand out
anything that could be turned back into one without the vault that lives in this process.
"""
