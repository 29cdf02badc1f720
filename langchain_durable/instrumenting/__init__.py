"""What instrumentation without code is made of."""
