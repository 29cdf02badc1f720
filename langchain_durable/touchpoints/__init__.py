"""Everything of LangChain and LangGraph that we stand on and that is not a public API."""
