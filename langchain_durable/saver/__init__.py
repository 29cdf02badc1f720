"""Our LangGraph checkpointer, on plain Redis or Valkey."""

from langchain_durable.saver.memory import MemoryRunSaver
from langchain_durable.saver.redis_saver import RedisSaver
from langchain_durable.saver.run_saver import RunSaver, for_run

__all__ = ["MemoryRunSaver", "RedisSaver", "RunSaver", "for_run"]
