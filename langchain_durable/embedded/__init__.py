"""A server of our own, for programs that were given no URL."""

from langchain_durable.embedded.binary import ServerBinary, find_server
from langchain_durable.embedded.launch import Patience
from langchain_durable.embedded.place import default_directory
from langchain_durable.embedded.status import ServerStatus
from langchain_durable.embedded.supervisor import EmbeddedServer

__all__ = [
    "EmbeddedServer",
    "Patience",
    "ServerBinary",
    "ServerStatus",
    "default_directory",
    "find_server",
]
