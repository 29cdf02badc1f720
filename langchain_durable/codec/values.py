"""The codec: any value that the journal carries, to bytes and back, without loss.

Classes have a fixed code, or are in ``allow``. Nothing is imported, called or unpickled
because a record names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ormsgpack

from langchain_durable.arguments import check, check_function, is_whole
from langchain_durable.codec import decisions, graph, messages, standard
from langchain_durable.codec.allowed import allowable, allowed_forms, qualified_name
from langchain_durable.codec.crypto import Cipher
from langchain_durable.codec.envelope import Envelope
from langchain_durable.codec.forms import Form, Refused
from langchain_durable.codec.wire import MAX_EXT, OPTIONS, WIDE_EXT, is_shallow, nest_limit, unpack
from langchain_durable.errors import (
    ConfigurationError,
    JournalCorrupt,
    MissingExtra,
    Unjournalable,
    ValueTooLarge,
)

_PLAIN = frozenset((type(None), bool, float, bytes, bytearray, memoryview))
_MAX_WALK = 200
"""Levels that the walker follows; below ormsgpack's own 254, and shallow enough for Python."""


class Codec:
    """Turns values into bytes for the journal, and back into equal values.

    ``allow``: pydantic models, dataclasses, Enums and NamedTuples of the program.
    ``key``: 16, 24 or 32 bytes; records are then encrypted, and plain ones refused.
    ``previous_keys``: further keys to decode with. ``max_bytes``: the most one value may
    take, uncompressed. ``redact``: called with each value before it is encoded, gives
    what the journal is to keep instead.

    Equal means ``==`` and of the same type, with three exceptions: a ``bytearray`` or
    ``memoryview`` comes back as ``bytes``, pydantic's time zones as ``timezone``, and
    LangChain's private kinds of document as ``Document``.
    """

    def __init__(
        self,
        *,
        allow: Sequence[type] = (),
        key: bytes | None = None,
        previous_keys: Sequence[bytes] = (),
        max_bytes: int = 32 * 2**20,
        compress_above: int = 8192,
        redact: Callable[[Any], Any] | None = None,
    ) -> None:
        check(
            is_whole(max_bytes, 1),
            "max_value_bytes",
            max_bytes,
            expected="a number of bytes, 1 or more",
            do="leave it out for 32 MiB",
        )
        check_function("redact", redact, do="give a function from a value to what is kept of it")
        if previous_keys and key is None:
            raise ConfigurationError(
                "There are previous keys, and none to encrypt with.",
                expected="previous_keys= beside an encryption_key=",
                came="previous_keys= alone",
                do="give the key that is in use now, too",
            )
        by_class, by_code = allowed_forms(allow)
        self._forms = {**standard.FORMS, **messages.FORMS, **by_class}
        self._codes = {form.code: form for form in self._forms.values()} | by_code
        self._max_bytes = max_bytes
        self._redact = redact
        self.encrypts = key is not None
        self.redacts = redact is not None
        self._envelope = Envelope(
            max_bytes=max_bytes,
            compress_above=compress_above,
            cipher=None if key is None else Cipher(key, previous_keys),
        )
        self._defaults = self._chain(self._default_at)
        self._hooks = self._chain(self._hook_at)
        self._failure = threading.local()

    def encode(self, value: Any, *, bind: bytes, what: str = "value") -> bytes:
        """Bytes for ``value``, fit for the place that ``bind`` names.

        Raises ``Unjournalable`` with the path to what cannot be carried, in which
        ``what`` stands for the value itself, and ``ValueTooLarge``.
        """
        if self._redact is not None:
            value = self._redacted(self._redact, value, what)
        try:
            body = ormsgpack.packb(value, self._defaults[0], OPTIONS)
        except TypeError:
            body = self._spell_out(value, what)
        if len(body) > self._max_bytes:
            raise ValueTooLarge(
                f"{what} is too large for the journal.",
                expected=f"at most {self._max_bytes} bytes",
                came=f"{len(body)} bytes",
                do="keep it elsewhere and return a reference, or raise the cap: "
                "Durable(max_value_bytes=...)",
            )
        return self._envelope.seal(body, bind)

    def _redacted(self, redact: Callable[[Any], Any], value: Any, what: str) -> Any:
        try:
            return redact(value)
        except Exception as exc:
            raise Unjournalable(
                f"{what} cannot be redacted, and is not journaled as it is.",
                expected="a redact= that takes any value",
                came=f"{type(exc).__name__}: {exc}",
                do="return what you cannot redact as None, or as a text that says so",
            ) from exc

    def carries(self, value: Any) -> bool:
        """Can ``value`` be encoded?"""
        try:
            self.encode(value, bind=b"")
        except (Unjournalable, ValueTooLarge):
            return False
        return True

    def decode(self, data: bytes, *, bind: bytes) -> Any:
        """The value, as a fresh object. Raises ``JournalCorrupt`` or ``JournalTooNew``."""
        body = self._envelope.open(data, bind)
        self._failure.first = None
        try:
            return unpack(body, self._hooks[0], nest_limit(0))
        except Exception as exc:
            first = self._failure.first or exc
            if isinstance(first, MissingExtra):
                raise first from None
            raise JournalCorrupt(
                "A record holds what langchain-durable never wrote, or cannot rebuild here.",
                expected="values of known classes, and of those in allow=",
                came=str(first) or type(first).__name__,
                do="give a class of your own that it names in allow=; otherwise restore the journal"
                " from a backup, or delete the run and begin it anew",
            ) from first
        finally:
            self._failure.first = None

    # One hook a level: ormsgpack calls it without saying how deep it is, and hides what
    # it raises.

    def _chain(self, make: Callable[[int, Any], Any]) -> list[Any]:
        hooks: list[Any] = [_too_deep]
        for level in range(MAX_EXT, 0, -1):
            hooks.append(make(level, hooks[-1]))
        hooks.reverse()
        return hooks

    def _default_at(self, level: int, deeper: Callable[..., Any]) -> Callable[[Any], Any]:
        forms, form_of, pack, ext = self._forms, self._form_of, ormsgpack.packb, ormsgpack.Ext

        def default(value: Any) -> ormsgpack.Ext:
            form = forms.get(type(value)) or form_of(value)
            data = pack(form.take(value), deeper, OPTIONS)
            if level > WIDE_EXT and not is_shallow(data, nest_limit(level)):
                raise Refused("is nested too deeply")
            return ext(form.code, data)

        return default

    def _hook_at(self, level: int, deeper: Callable[..., Any]) -> Callable[[int, bytes], Any]:
        codes, limit = self._codes, nest_limit(level)

        def hook(code: int, data: bytes) -> Any:
            try:
                form = codes.get(code) or self._form_for(code)
                return form.give(unpack(data, deeper, limit))
            except Exception as exc:
                if self._failure.first is None:
                    self._failure.first = exc
                raise

        return hook

    def _form_of(self, value: Any) -> Form:
        cls = type(value)
        form = graph.form_of(cls) or messages.form_of(cls) or decisions.form_of(cls)
        if form is None:
            raise Refused(f"is a {cls.__name__}")
        self._forms[cls] = form
        return form

    def _form_for(self, code: int) -> Form:
        form = graph.form_for(code) or decisions.form_for(code)
        if form is None:
            raise ValueError(f"a value with the unknown code {code}")
        self._codes[code] = form
        return form

    # The slow way, for what msgpack cannot say directly, and to name what is refused.

    def _spell_out(self, value: Any, what: str) -> bytes:
        try:
            return ormsgpack.packb(self._spell(value, what, 0, 0), None, OPTIONS)
        except (RecursionError, TypeError) as exc:
            if isinstance(exc, Unjournalable):
                raise
            raise _unjournalable(what, "is nested too deeply, or contains itself", value) from exc

    def _spell(self, value: Any, path: str, depth: int, level: int) -> Any:
        kind = type(value)
        if kind in _PLAIN or (kind is int and -(2**63) <= value < 2**64) or _is_text(value):
            return value
        if depth > _MAX_WALK:
            raise _unjournalable(path, "is nested too deeply, or contains itself", value)
        if kind is list:
            return [
                self._spell(item, f"{path}[{place}]", depth + 1, level)
                for place, item in enumerate(value)
            ]
        if kind is dict and all(map(_is_text, value)):
            return {
                key: self._spell(item, f"{path}[{key!r}]", depth + 1, level)
                for key, item in value.items()
            }
        return self._spell_form(value, path, level)

    def _spell_form(self, value: Any, path: str, level: int) -> ormsgpack.Ext:
        if level >= MAX_EXT:
            raise _unjournalable(path, "is nested too deeply, or contains itself", value)
        try:
            form = self._forms.get(type(value)) or self._form_of(value)
            plain = form.take(value)
        except Refused as exc:
            raise _unjournalable(path, str(exc), value) from None
        except Exception as exc:  # of the value's own class
            why = f"cannot be read ({type(exc).__name__}: {exc})"
            raise _unjournalable(path, why, value) from exc
        data: Any = plain
        if isinstance(value, dict) and type(plain) is list:
            data = self._spell_pairs(plain, path, level)
        elif type(plain) is list:
            data = [
                self._spell(item, path + form.name(place), 1, level + 1)
                for place, item in enumerate(plain)
            ]
        elif type(plain) is dict:
            data = {
                key: self._spell(item, path + form.name(key), 1, level + 1)
                for key, item in plain.items()
            }
        packed = ormsgpack.packb(data, None, OPTIONS)
        if level + 1 > WIDE_EXT and not is_shallow(packed, nest_limit(level + 1)):
            raise _unjournalable(path, "is nested too deeply", value)
        return ormsgpack.Ext(form.code, packed)

    def _spell_pairs(self, plain: list[Any], path: str, level: int) -> list[Any]:
        spelled, key = [], None
        odd = len(plain) % 2  # a defaultdict's factory comes before its pairs
        for place, item in enumerate(plain, start=-odd):
            if place % 2 == 0:
                key = item
            where = f"{path}[{key!r}]" if place % 2 else f"{path}'s key {item!r}"
            spelled.append(self._spell(item, where, 1, level + 1))
        return spelled


def _too_deep(*_: Any) -> Any:
    raise ValueError(f"more than {MAX_EXT} typed values inside each other")


def _is_text(value: Any) -> bool:
    """A str that UTF-8 can say: no lone surrogates, and not of a subclass."""
    if type(value) is not str:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unjournalable(path: str, why: str, value: Any) -> Unjournalable:
    cls = type(value)
    kinds = "a pydantic model, dataclass, Enum or NamedTuple of your own"
    do = f"return plain data, or {kinds}, and name its class in allow="
    if allowable(cls):
        do = f"return plain data, or let it pass with Durable(allow=[{cls.__name__}])"
    return Unjournalable(
        f"{_shortened(path)} {why}, which the journal does not carry.",
        expected="plain data, LangChain's messages and documents, or a class in allow=",
        came=qualified_name(cls).replace(":", "."),
        do=do,
    )


def _shortened(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:100]}...{path[-60:]}"
