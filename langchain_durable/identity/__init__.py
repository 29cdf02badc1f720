"""Which call a call is: where it stands, what it asks, and which recorded call that is."""
