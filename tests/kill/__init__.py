"""Programs killed at every point, and run again until they finish."""
