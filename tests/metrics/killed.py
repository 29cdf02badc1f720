"""A process that dies of SIGKILL in a model call: ``python -m tests.metrics.killed URL PREFIX``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from langchain_durable import Durable
from tests.fakes import Model


def die(messages: Sequence[BaseMessage]) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


if __name__ == "__main__":
    url, prefix = sys.argv[1:]
    with Durable(url, prefix=prefix).run("run"):
        Model().invoke("a")
        Model(answer=die).invoke("b")
