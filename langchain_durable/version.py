"""Which release this is."""

from langchain_durable.installation import own_version

__version__ = own_version()
"""As it is installed; empty if we run from a bare source tree."""
