"""What a call's span says, and the spans of a run from its journal.

``describe`` holds the pure functions, ``content`` what is captured only on demand, ``compact``
the small form for the journal, and ``rebuild`` the way back.
"""
