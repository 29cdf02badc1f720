"""A checkpointer of the program's own: LangGraph's in-memory one, kept in a file."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.memory import InMemorySaver


class FileSaver(InMemorySaver):
    """Writes everything to a file after each change, so that the next process finds it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._lock = threading.RLock()
        if path.exists():
            storage, writes, blobs = pickle.loads(path.read_bytes())
            for thread, namespaces in storage.items():
                for namespace, checkpoints in namespaces.items():
                    self.storage[thread][namespace] = checkpoints
            self.writes.update(writes)
            self.blobs.update(blobs)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with self._lock:
            stored = super().put(config, checkpoint, metadata, new_versions)
            self._save()
            return stored

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        with self._lock:
            super().put_writes(config, writes, task_id, task_path)
            self._save()

    def _save(self) -> None:
        storage = {thread: dict(spaces) for thread, spaces in self.storage.items()}
        kept = (storage, dict(self.writes), dict(self.blobs))
        written = self._path.with_suffix(f".{os.getpid()}")
        written.write_bytes(pickle.dumps(kept))
        written.rename(self._path)
