"""The programs that the kill tests run; each group in a module of its own."""
