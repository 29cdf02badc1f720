"""What the fork server does before the first fork, so that no child does it again.

Imports, and a run of some programs: LangChain and the OpenAI client import much of
themselves on first use, and each client builds a TLS context, which is cached by URL. The
runs use URLs of their own: an open connection must not be shared by two children, nor an
async client by two event loops.
"""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import warnings
from pathlib import Path

from tests.programs.all import PROGRAMS
from tests.programs.program import Mode, Site
from tests.programs.running import run

URL = "LANGCHAIN_DURABLE_KILL_TESTS_URL"
"""The environment variable that names the model server."""

RUNS = (
    ("lcel3", Mode.STREAM),
    ("parallel", Mode.ASTREAM_EVENTS),
    ("responses", Mode.STREAM),
    ("text_llm", Mode.INVOKE),
    ("retrieval", Mode.INVOKE),
    ("agent", Mode.STREAM_V3),
    ("agent", Mode.ASTREAM_V3),
    ("executor", Mode.INVOKE),
    ("human", Mode.INVOKE),
)


def warm(url: str) -> None:
    """Build every program for ``url``, and run some of them beside it."""
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for program in PROGRAMS.values():
            program.build(Site(url=url, tag="warm", directory=Path(directory)))
        for name, mode in RUNS:
            program, tag = PROGRAMS[name], f"warm-{name}-{mode}"
            beside = url.replace("/v1", f"/{tag}/v1")
            site = Site(url=beside, tag=tag, directory=Path(directory))
            config = {"configurable": {"thread_id": tag}}
            run(program, program.build(site), mode, config)
    if threading.active_count() != 1:
        raise RuntimeError(f"threads are left, which a fork would lose: {threading.enumerate()}")
    gc.collect()
    gc.freeze()


if URL in os.environ:
    warm(os.environ[URL])
