"""Where journals live: plain Redis or Valkey, or memory."""

from langchain_durable.store.connect import open_store
from langchain_durable.store.keys import Keys
from langchain_durable.store.memory import MemoryStore
from langchain_durable.store.owner import is_dead, this_owner
from langchain_durable.store.redis import RedisStore

__all__ = ["Keys", "MemoryStore", "RedisStore", "is_dead", "open_store", "this_owner"]
