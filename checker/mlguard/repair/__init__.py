"""Mend findings in the text of the code: what to splice in where, tried out before anything is written.

Nothing is ever written out anew: a fix is a few stretches of text that are put in or replaced, and all else stays as it
is, to the byte.
"""
