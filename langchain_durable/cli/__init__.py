"""The command line: ``langchain-durable``."""

from langchain_durable.cli.entry import main

__all__ = ["main"]
