"""The tool call that runs in this context, for tools that want to know."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from hashlib import blake2b

from langchain_durable.errors import DurableError
from langchain_durable.identity.tree import Scope
from langchain_durable.recorder.recorder import Recorder
from langchain_durable.within import Within

_current: ContextVar[tuple[Recorder, Scope] | None] = ContextVar(
    "langchain_durable_current_step", default=None
)
_LONGEST_KEY = blake2b.MAX_KEY_SIZE


def entered(attempt: Recorder, scope: Scope) -> AbstractContextManager[None]:
    """Makes a step the current one while its provider is called."""
    return Within(_current, (attempt, scope))


def idempotency_key() -> str:
    """A key for the effect of the tool that calls this: the same in every attempt of the run.

    Give it to the service that the tool writes to, so that a call that is repeated
    after a crash takes effect once. 32 hexadecimal digits. Raises ``DurableError``
    outside of a tool call of a run.
    """
    current = _current.get()
    if current is None:
        raise DurableError(
            "There is no step here to make an idempotency key for.",
            expected="a call from inside a tool or a recorded function, in a run",
            came="a call from elsewhere",
            do="call idempotency_key() in the tool's own function",
        )
    attempt, scope = current
    step = attempt.tree.resolve(scope).id
    run = attempt.run_id.encode()
    if len(run) > _LONGEST_KEY:
        # Cut short it would be the key of every id that begins alike, such as a tenant's.
        run = blake2b(run).digest()
    return blake2b(step, key=run, digest_size=16).hexdigest()
