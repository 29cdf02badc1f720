"""A user of the embedded server in a process of its own, for tests to kill.

``program.py <directory> <verb> [count]`` says what it did as one JSON line, then waits for
the end of its standard input, then exits cleanly.
"""

from __future__ import annotations

import json
import os
import sys

import redis

from langchain_durable.embedded import EmbeddedServer


def write(server: EmbeddedServer, count: int) -> dict[str, object]:
    client = redis.Redis.from_url(server.url)
    how = server.ensure()
    for number in range(count):
        client.xadd("journal", {"n": number, "p": "x" * 500})
    client.close()
    return {"how": how, "pid": server.pid()}


def fork(server: EmbeddedServer) -> dict[str, object]:
    server.ensure()
    child = os.fork()
    if child == 0:
        # Runs the handlers at exit that were registered before the fork.
        sys.exit(0)
    os.waitpid(child, 0)
    return {"running": server.status().running}


def fork_and_use(server: EmbeddedServer) -> dict[str, object]:
    server.ensure()
    child = os.fork()
    if child == 0:
        server.ensure()
        sys.exit(0)
    os.waitpid(child, 0)
    return {"running": server.status().running}


def main() -> None:
    directory, verb, *rest = sys.argv[1:]
    server = EmbeddedServer(directory)
    if verb == "fork":
        answer = fork(server)
    elif verb == "fork-and-use":
        answer = fork_and_use(server)
    else:
        answer = write(server, int(rest[0]) if rest else 0)
    print(json.dumps(answer), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
