"""Recording one attempt of a run: its lease, its steps, its end."""
