"""Interception: a provider's method is called only if the journal has no answer."""
