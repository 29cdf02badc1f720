"""langchain-durable: a killed LangChain program picks up where it was."""
