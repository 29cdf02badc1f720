"""What a call's span says, and the spans of a run from its journal.

A module for each kind of call says what LangChain's callbacks bring: no SDK, no I/O, and no look
at messages, for a call's history may be long. ``content`` is what is captured only on demand,
``compact`` the small form for the journal, and ``rebuild`` the way back.
"""
