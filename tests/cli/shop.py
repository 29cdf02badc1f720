"""A program of two tools. ``SHOP`` says whether the second does well, badly, or is killed;
``with care`` asks about a call that its process died in.

``python shop.py RUN_ID`` runs it durably; ``effects`` in the working directory has a line
for each tool that really ran.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool

from langchain_durable import Durable, in_doubt


def note(effect: str) -> None:
    with open("effects", "a", encoding="utf-8") as file:
        file.write(effect + "\n")


@tool
def weigh(item: str) -> str:
    """Weigh an item."""
    note("weigh")
    return f"{item}: 250 g"


@in_doubt("fail" if os.environ.get("SHOP") == "with care" else "retry")
@tool
def wrap_up(weight: str) -> str:
    """Wrap an item up."""
    how = os.environ.get("SHOP", "well")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "badly":
        raise ValueError("no [red]paper[/red]\nleft")
    if how == "slowly":
        print("waiting", file=sys.stderr, flush=True)
        for _ in range(600):  # a signal that comes just before a long sleep is noticed after it
            time.sleep(0.1)
    note("wrap_up")
    return f"{weight}, wrapped"


def serve(item: str) -> str:
    return str(wrap_up.invoke(weigh.invoke(item)))


agent: Runnable[str, str] = RunnableLambda(serve)
wrapped = Durable().wrap(agent, name="a-shop-with-a-very-long-name-on-its-door")
prices = {"coffee": 9}


def make_agent() -> Runnable[str, str]:
    return agent


def make_nothing(price: int) -> int:
    return price


if __name__ == "__main__":
    with Durable() as durable:
        named = durable.wrap(agent, name="a-shop-with-a-very-long-name-on-its-door")
        print(named.invoke("coffee", durable.config(sys.argv[1])))
