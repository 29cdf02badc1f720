"""A process of its own that holds a run, for tests of two processes on one run."""

from __future__ import annotations

import sys

from langchain_durable import Durable

if __name__ == "__main__":
    url, prefix = sys.argv[1:]
    durable = Durable(url, prefix=prefix, lease=1.0)
    with durable.run("run"):
        durable.step(str, "first")
        print("holding", flush=True)
        sys.stdin.readline()
