"""The models that the examples ask: OpenAI's, or with ``--demo`` a script that needs no key."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI, ToolCall

RULES = (
    # chain.py, callback.py
    Rule(when=r"^Outline a talk on (.*)\.$", says=r"1. What \1 are. 2. Why \1 matter."),
    Rule(when=r"^Write the talk: (.*)$", says=r"Welcome! \1 Thank you."),
    Rule(when=r"^Give a title to: ", says="A short talk"),
    # agent.py, fastapi_app.py
    Rule(
        role="user",
        when=r"[Oo]rder (\d+) has not come",
        calls=(
            ToolCall(name="look_up_order", args={"number": r"\1"}),
            ToolCall(name="track_parcel", args={"number": r"\1"}),
        ),
    ),
    Rule(role="tool", when=r"parcel of order (\d+).* lost", calls=(
        ToolCall(name="refund", args={"number": r"\1"}),
    )),
    Rule(role="tool", when=r"refunded (\d+)", says=r"Your parcel was lost. I refunded \1 EUR."),
    # human_in_the_loop.py
    Rule(
        role="user",
        when=r"^Delete the account of (\w+)",
        calls=(ToolCall(name="delete_account", args={"name": r"\1"}),),
    ),
    Rule(role="tool", when=r"account of (\w+) is gone", says=r"Done: \1 has no account any more."),
    # langgraph_graph.py
    Rule(when=r"^Two questions about (.*)\?$", says=r"What are \1?\nWho needs \1?"),
    Rule(when=r"^Answer briefly: (?:What|Who) (\w+) (\w+)\?$", says=r"People \1 \2."),
    Rule(when=r"^Sum up: (.*)$", says=r"In short: \1"),
    # plain_python.py
    Rule(when=r"^Is this a complaint\? (.*late.*)$", says="yes"),
    Rule(when=r"^Is this a complaint\? ", says="no"),
    Rule(when=r"^Answer this complaint: ", says="We are sorry."),
)  # fmt: skip


@contextmanager
def models() -> Iterator[None]:
    """OpenAI's models if there is a key; with ``--demo`` those of a script on this machine."""
    if "--demo" in sys.argv:
        sys.argv.remove("--demo")
        with ScriptedOpenAI(RULES) as server:
            os.environ.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY="demo")
            yield
    elif "OPENAI_API_KEY" in os.environ:
        yield
    else:
        sys.exit("Set OPENAI_API_KEY, or say --demo for a scripted model that needs none.")
