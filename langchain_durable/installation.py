"""Which of the packages that we stand on are installed, and which extras are complete."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement  # langchain-core depends on it
from packaging.utils import canonicalize_name

_OURS = "langchain-durable"
_TOLD = ("langchain-core", "langchain", "langgraph", "redis", "hiredis", "opentelemetry-sdk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that we use: ``version`` is empty if it is absent, ``wanted`` is a range."""

    name: str
    version: str = ""
    wanted: str = ""
    fits: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One of our extras, and what of it is not installed."""

    name: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is installed. ``extras`` is empty when we run from a bare source tree."""

    packages: tuple[Package, ...] = ()
    extras: tuple[Extra, ...] = ()


def inspect_installation() -> Installation:
    """Read the installed packages' metadata; nothing is imported."""
    try:
        ours = metadata.distribution(_OURS)
    except metadata.PackageNotFoundError:
        return Installation(packages=tuple(_package(name, {}) for name in _TOLD))
    requirements = [Requirement(text) for text in ours.requires or ()]
    needed = {
        str(canonicalize_name(wanted.name)): wanted
        for wanted in requirements
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
    }
    extras = ours.metadata.get_all("Provides-Extra") or ()
    return Installation(
        packages=tuple(_package(name, needed) for name in dict.fromkeys((*_TOLD, *needed))),
        extras=tuple(Extra(name=extra, missing=_missing(extra, requirements)) for extra in extras),
    )


def _package(name: str, needed: dict[str, Requirement]) -> Package:
    version = installed_version(name)
    wanted = needed.get(name)
    if wanted is None:
        return Package(name=name, version=version)
    return Package(
        name=name,
        version=version,
        wanted=str(wanted.specifier),
        fits=bool(version) and wanted.specifier.contains(version, prereleases=True),
        required=True,
    )


def _missing(extra: str, requirements: list[Requirement]) -> tuple[str, ...]:
    """Follow an extra, also through extras of our own that it names."""
    missing: dict[str, None] = {}
    todo, seen = [extra], set[str]()
    while todo:
        name = todo.pop()
        seen.add(name)
        for wanted in requirements:
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                continue
            if not wanted.marker.evaluate({"extra": name}):
                continue
            if canonicalize_name(wanted.name) == _OURS:
                todo += wanted.extras - seen
            elif not installed_version(wanted.name):
                missing[wanted.name] = None
    return tuple(missing)


@functools.cache
def own_version() -> str:
    """Our version, empty if we run from a bare source tree."""
    return installed_version(_OURS)


def installed_version(name: str) -> str:
    """Give a package's version, empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
