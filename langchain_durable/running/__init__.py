"""How a program's call becomes a run: wrapped runnables, blocks, and what stands in them."""
