"""What a server's error replies mean, as errors of ours."""

from __future__ import annotations

from typing import Any

from redis import exceptions as redis_errors

from langchain_durable.errors import (
    JournalCorrupt,
    JournalError,
    JournalReadOnly,
    JournalUnavailable,
)

_PASSING = ("LOADING", "MASTERDOWN", "BUSY ", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "NOSCRIPT")
_READ_ONLY = ("READONLY", "MISCONF", "OOM")
_UNKNOWN_USER = (redis_errors.AuthenticationError, redis_errors.AuthorizationError)
_IN_SCRIPT = ("The user executing the script can't", "ACL failure in script")
"""What Redis 7.0, and what newer servers say of a script's command that an ACL forbids."""
_NO_DATABASE = ("DB index is out of range", "SELECT is not allowed in cluster mode")
_CLUSTER_URL = "write redis+cluster:// for redis://, and rediss+cluster:// for rediss://"


class LinkDown(Exception):
    """The connection is of no use any more; ``cause`` says why."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        super().__init__(str(cause))


def passes(error: BaseException) -> bool:
    """Whether an error reply goes away by itself, so that the command is sent again."""
    kinds = (
        redis_errors.NoScriptError,
        redis_errors.TryAgainError,
        redis_errors.ClusterDownError,
    )
    return isinstance(error, kinds) or _says(error, _PASSING)


def hopeless(error: BaseException) -> bool:
    """Whether trying again cannot help: it is the URL, or the user's rights, that must change."""
    return _unknown(error) or forbidden(error) or _untrusted(error) or _says(error, _NO_DATABASE)


def forbidden(error: BaseException) -> bool:
    """Whether the server knows us, and an ACL forbids us the command or its keys."""
    return isinstance(error, redis_errors.NoPermissionError) or _says(
        error, ("NOPERM", *_IN_SCRIPT)
    )


def _unknown(error: BaseException) -> bool:
    return isinstance(error, _UNKNOWN_USER) or _says(error, ("NOAUTH", "WRONGPASS"))


def _untrusted(error: BaseException) -> bool:
    # redis-py makes an error of its own of that of OpenSSL, whose words are all that is left.
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def read_only(error: BaseException) -> bool:
    """Whether the server refuses writes."""
    return isinstance(error, (redis_errors.ReadOnlyError, redis_errors.OutOfMemoryError)) or _says(
        error, _READ_ONLY
    )


def unavailable(url: str, error: BaseException | None, waited: float) -> JournalUnavailable:
    """The error for callers whose command could not be delivered."""
    came = _text(error) if error is not None else "no answer"
    if error is not None and hopeless(error):
        return _refused_us(url, error, came)
    return JournalUnavailable(
        f"The Redis server at {url} could not be reached for {waited:.1f} s.",
        expected="an answer",
        came=came,
        do="check that the server runs and that the URL is right; the same call goes on "
        "from the journal once it does",
    )


def _refused_us(url: str, error: BaseException, came: str) -> JournalUnavailable:
    if forbidden(error):
        return JournalUnavailable(
            f"The Redis server at {url} forbids its user what a journal needs.",
            expected="a user with the commands of hashes, streams, sorted sets and scripts, "
            "for all keys under the prefix",
            came=came,
            do="allow them, as with `ACL SETUSER <user> ~lcd:* +@all -@dangerous`",
        )
    if _says(error, _NO_DATABASE):
        return JournalUnavailable(
            f"The Redis server at {url} has no such database.",
            expected="one that the server has: 0 to 15 if nothing else is set, 0 on a cluster",
            came=came,
            do=f"correct the number at the end of the URL; for a cluster {_CLUSTER_URL}",
        )
    if _untrusted(error):
        return JournalUnavailable(
            f"The Redis server at {url} has a certificate that is not trusted here.",
            expected="one for this host, of an authority that this machine knows",
            came=came,
            do="name the authority's certificate in the URL: "
            "rediss://host:6379/0?ssl_ca_certs=/path/to/ca.pem",
        )
    return JournalUnavailable(
        f"The Redis server at {url} refused our credentials.",
        expected="a user that may log in",
        came=came,
        do="check user name and password in the URL",
    )


def closed(url: str) -> JournalUnavailable:
    """The error for a call after ``close()``."""
    return JournalUnavailable(
        f"The journal at {url} was closed.",
        expected="an open store",
        came="a call after close()",
        do="close the store after the last run has ended",
    )


def forked() -> JournalUnavailable:
    """The error for what the parent of this process was waiting for when it forked."""
    return JournalUnavailable(
        "This command was asked for before the process forked.",
        expected="an answer in the parent process",
        came="a call in the child",
        do="ask again in the child",
    )


def refusal(url: str, error: BaseException) -> JournalError:
    """The error for a command that the server has answered with an error."""
    came = _text(error)
    if read_only(error):
        return JournalReadOnly(
            f"The Redis server at {url} refuses writes.",
            expected="a primary with memory and disk to spare",
            came=came,
            do="connect to the primary, or free memory or disk",
        )
    if hopeless(error):
        return unavailable(url, error, 0.0)
    if isinstance(error, redis_errors.AskError):
        return JournalError(
            f"The Redis server at {url} is a node of a Redis Cluster.",
            expected="redis+cluster:// in the URL",
            came=came,
            do=_CLUSTER_URL,
        )
    if _says(error, ("WRONGTYPE",)):
        return JournalCorrupt(
            f"A key of ours on {url} holds something else.",
            expected="a key that langchain-durable wrote",
            came=came,
            do="give langchain-durable a prefix or a database of its own",
        )
    return JournalError(
        f"The Redis server at {url} refused a command.",
        expected="Redis 7.0 or newer, or Valkey 7.2 or newer",
        came=came,
        do="run 'langchain-durable doctor'",
    )


def checked(url: str, reply: Any) -> Any:
    """The reply itself, or its error raised as ours."""
    if isinstance(reply, redis_errors.RedisError):
        raise refusal(url, reply) from reply
    return reply


def _says(error: BaseException, codes: tuple[str, ...]) -> bool:
    return str(error).startswith(codes)


def _text(error: BaseException) -> str:
    # redis-py takes the code off the message of the errors that have a class
    name = type(error).__name__
    return str(error) if name == "ResponseError" else f"{name}: {error}"
