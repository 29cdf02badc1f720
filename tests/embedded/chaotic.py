"""A user that attaches, writes and leaves in a loop, and kills itself and its server at random.

``chaotic.py <directory> <seed> <rounds>``. Appends what was acknowledged, and only that, to
``<directory>.<seed>``. Ends by itself after its rounds, or by SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys

import redis

from langchain_durable.embedded import EmbeddedServer


def main() -> None:
    directory, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    dice = random.Random(seed)
    with open(f"{directory}.{seed}", "a", buffering=1) as acknowledged:
        for number in range(rounds):
            server = EmbeddedServer(directory)
            server.ensure()
            client = redis.Redis.from_url(server.url, retry=None)
            # The server may be killed by another one between the attach and the write.
            with contextlib.suppress(redis.ConnectionError):
                client.rpush("written", f"{seed}-{number}")
                acknowledged.write(f"{seed}-{number}\n")
            if dice.random() < 0.1 and (pid := server.pid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if dice.random() < 0.02:
                os.kill(os.getpid(), signal.SIGKILL)
            client.close()
            server.release()


if __name__ == "__main__":
    main()
