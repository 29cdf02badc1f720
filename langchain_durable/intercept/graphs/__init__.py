"""Calls of graphs: which turn of a thread they are, where they stop, and what goes on with them."""
