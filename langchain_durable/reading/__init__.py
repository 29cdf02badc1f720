"""What is read from journals of runs: their state, their events, their costs, their spans."""
