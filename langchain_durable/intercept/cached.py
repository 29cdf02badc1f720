"""Answers of LangChain's own cache: steps that no provider was called for."""

from __future__ import annotations

from langchain_core.outputs import ChatGeneration, LLMResult

from langchain_durable.identity.tree import Scope
from langchain_durable.recorder.recorder import Recorder
from langchain_durable.spans.models import is_cache_hit, model_ended, usage_of
from langchain_durable.transcript import pack_messages


def record_cached(attempt: Recorder, scope: Scope, response: LLMResult) -> None:
    """Record an answer of LangChain's own cache: the next process may have no such cache.

    Nobody can wait for the record here, and nobody needs to: nothing was paid for it.
    """
    found = [each for each in response.generations[0] if isinstance(each, ChatGeneration)]
    if attempt.lease is None or attempt.closed or not is_cache_hit(found):
        return
    if attempt.knows(scope):
        return
    scope.taken = True
    attempt.start(scope)
    infos = [each.generation_info for each in found]
    packed = pack_messages([each.message for each in found], infos, response.llm_output)
    attempt.complete(scope, packed, None, model_ended(response, usage_of(response)))
