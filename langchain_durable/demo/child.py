"""The process that is killed: builds the agent, runs it, and says on stdout how far it is.

python -m langchain_durable.demo.child '{"server": ..., "journal": ..., ...}'
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.tracers.context import register_configure_hook
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from langchain_durable import Durable
from langchain_durable.demo.agent import Handbook, answer, make_tools
from langchain_durable.demo.calls import Call, Line, model_key
from langchain_durable.demo.job import Job
from langchain_durable.demo.scenario import MODEL, QUESTION, TOOL_SECONDS
from langchain_durable.testing.effects import Effects, Phase


def say(said: str, **more: Any) -> None:
    """Write one line, in one piece: tools run in threads."""
    line = Line(said=said, time=time.time_ns(), **more)
    sys.stdout.write(json.dumps(line.to_dict()) + "\n")
    sys.stdout.flush()


class Announcer(BaseCallbackHandler):
    """Says what the program asks for and gets: plain LangChain, it knows of no journal."""

    run_inline = True
    raise_error = True

    def __init__(self) -> None:
        self._calls: dict[UUID, Call] = {}

    def _asked(self, run_id: UUID, call: Call) -> None:
        self._calls[run_id] = call
        say("asked", call=call)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        (prompt,) = messages
        key = model_key(MODEL, len(prompt), str(prompt[-1].text))
        self._asked(run_id, Call(kind="model", name=MODEL, key=key))

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        first = str(next(iter((inputs or {}).values()), ""))
        self._asked(run_id, Call(kind="tool", name=str(serialized["name"]), key=first))

    def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        self._asked(run_id, Call(kind="retriever", name=str(kwargs["name"]), key=query))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        message = getattr(response.generations[0][0], "message", None)
        usage = getattr(message, "usage_metadata", None) or {}
        say("got", call=self._calls.pop(run_id), tokens=usage.get("total_tokens", 0))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        say("got", call=self._calls.pop(run_id))

    def on_retriever_end(
        self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any
    ) -> None:
        say("got", call=self._calls.pop(run_id))


_announcer: ContextVar[Announcer | None] = ContextVar("announcer", default=None)
register_configure_hook(_announcer, inheritable=True)


def run(job: Job) -> str:
    """The agent's answer, with real OpenAI clients on the scripted server."""
    key = SecretStr(f"{job.run_id}/{job.attempt}")
    model = ChatOpenAI(model=MODEL, base_url=job.server, api_key=key, max_retries=0)
    vectors = OpenAIEmbeddings(
        model="embed-demo",
        base_url=job.server,
        api_key=key,
        max_retries=0,
        check_embedding_ctx_length=False,  # it would download a tokenizer
    )
    effects = Effects(Path(job.effects))

    def effect(name: str, key: str) -> None:
        effects.note(name, key, Phase.BEGIN)
        if name == job.hold:
            say("held")
            threading.Event().wait()
        time.sleep(TOOL_SECONDS)
        effects.note(name, key, Phase.EFFECT)

    _announcer.set(Announcer())
    tools = make_tools(Handbook(name="handbook", vectors=vectors), effect)
    with Durable(job.journal, prefix=job.prefix) as durable:
        return answer(QUESTION, model, tools, durable)


def main() -> int:
    job = Job(**json.loads(sys.argv[1]))
    say("ready")
    say("answer", text=run(job))
    return 0


if __name__ == "__main__":
    sys.exit(main())
