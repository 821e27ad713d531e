"""Where a tip is taken in: sealed, committed, and answered with a case code.

Nothing here has a number to lose: texts and voice come from rooms that have none to give.
"""
