"""The public contract of LangGraph checkpointers, every capability."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import redis
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability

from langchain_durable.saver import RedisSaver


@pytest.mark.parametrize("capability", list(Capability), ids=lambda it: it.value)
async def test_the_saver_conforms(server: str, client: redis.Redis, capability: Capability) -> None:
    @checkpointer_test(name="RedisSaver")
    async def factory() -> AsyncGenerator[BaseCheckpointSaver[str], None]:
        async with RedisSaver(server) as saver:
            yield saver

    report = await validate(factory, capabilities={capability.value})

    result = report.results[capability.value]
    assert result.detected
    assert result.failures == []
    assert result.tests_passed > 0
