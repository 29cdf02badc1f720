"""From what a program says of its server to a journal that is open."""
