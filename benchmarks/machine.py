"""Where the figures were taken: machine, versions, and how busy it was. No names, no paths."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import redis

PACKAGES = (
    "langchain-durable",
    "langchain",
    "langchain-core",
    "langchain-openai",
    "langgraph",
    "redis",
    "hiredis",
    "ormsgpack",
    "zstandard",
    "dbos",
)


def described(client: redis.Redis) -> dict[str, str]:
    """The facts to print beside the figures."""
    info = client.info("server")
    server = "Valkey" if "valkey_version" in info else "Redis"
    return {
        "CPU": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{_distribution()}, {platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "server": f"{server} {info.get('valkey_version') or info['redis_version']}, "
        "appendonly yes, appendfsync everysec",
        "packages": ", ".join(filter(None, map(_version, PACKAGES))),
    }


def load() -> str:
    """The load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return ""
