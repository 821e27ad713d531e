"""The telephone: carries a dialog out on a real channel of Asterisk.

One call is one thread. Asterisk's dialplan blanks the caller's number and connects to
:mod:`fastagi`, which drops whatever the AGI environment still says of the caller (through
``boundary``) and wraps the connection in a :mod:`channel`. :mod:`call` asks the dialog for a
command, carries it out, and sends back what came of it. Speech does not pass through Asterisk's
files: for a recording and for hearing it back the channel is handed to :mod:`audiosocket`, which
gives the bytes on as they arrive. :mod:`asterisk_config` writes the Asterisk configuration that
all of this leans on.

What this room refuses: to know a number, to write a file of a call, to seal or store anything
itself (it is handed callables), and to let one bad call or one hostile connection harm another.
"""
