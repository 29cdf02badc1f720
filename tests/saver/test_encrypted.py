"""With an encryption key, a paused graph's state is as unreadable as the journal."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
import redis
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langchain_durable import Durable, DurableWarning
from tests.conftest import MakeDurable
from tests.servers import Server


class Kept(BaseModel):
    """Of a class that our codec does not carry, and LangGraph's serializer does."""

    word: str


class Talk(TypedDict, total=False):
    secret: str
    kept: Any
    said: str


def talk(durable: Durable) -> Any:
    def ask(state: Talk) -> Talk:
        return {"said": f"{state['secret']}, {interrupt('a hidden question')}"}

    graph = StateGraph(Talk)
    graph.add_node("keep", lambda state: {"kept": Kept(word="sledge")})
    graph.add_node("ask", ask)
    graph.add_edge(START, "keep")
    graph.add_edge("keep", "ask")
    return durable.wrap(graph.compile())


def everything(server: Server, prefix: str) -> bytes:
    with redis.Redis.from_url(server.url) as client:
        keys = list(client.scan_iter(f"{prefix}:*"))
        dumps = [client.dump(key) or b"" for key in keys]
        hashes = [client.hgetall(key) for key in keys if client.type(key) == b"hash"]
    return b"".join(keys + dumps) + repr(hashes).encode()


def test_what_a_paused_graph_holds_cannot_be_read_in_redis(
    make_durable: MakeDurable, journal_server: Server
) -> None:
    options = {"encryption_key": b"k" * 32}
    durable = make_durable(**options)
    talk(durable).invoke({"secret": "rosebud"}, durable.config("run"))

    found = everything(journal_server, durable.connector.prefix)
    assert not [word for word in (b"rosebud", b"sledge", b"a hidden question") if word in found]

    later = make_durable(**options)
    with pytest.warns(DurableWarning, match="Kept"):
        said = talk(later).invoke(Command(resume="yes"), later.config("run"))
    assert said["said"] == "rosebud, yes"


def test_an_allowed_class_comes_back_as_itself(make_durable: MakeDurable) -> None:
    options: dict[str, Any] = {"encryption_key": b"k" * 32, "allow": [Kept]}
    durable = make_durable(**options)
    talk(durable).invoke({"secret": "rosebud"}, durable.config("run"))

    later = make_durable(**options)
    said = talk(later).invoke(Command(resume="yes"), later.config("run"))
    assert said["kept"] == Kept(word="sledge")
