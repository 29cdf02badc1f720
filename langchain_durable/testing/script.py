"""What a scripted model says: rules as data, and the first one that fits a prompt answers.

The answer is a function of the conversation alone, so the same prompt gets the same
answer whichever attempt of a program asks. Rules with ``times`` are the exception: they
are spent, one tag (API key) at a time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from langchain_durable.arguments import check
from langchain_durable.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call that the model asks for. Strings in ``args`` may name groups of ``when``."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a script: for a prompt like this, answer that.

    ``when`` is a regular expression searched in the text of the last message; ``says``
    and the strings in ``calls`` may refer to its groups (``\\1``, ``\\g<city>``).
    ``role`` is the last message's, ``turn`` the number of assistant messages since the
    last one of the user. A ``status`` other than 200 answers with an HTTP error. A rule
    with ``times`` is skipped after it has answered that often under one API key.
    """

    when: str = ""
    says: str = ""
    calls: tuple[ToolCall, ...] = ()
    model: str = ""
    role: str = ""
    turn: int | None = None
    status: int = 200
    times: int | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        try:
            re.compile(self.when)
        except (re.error, TypeError) as exc:
            raise ConfigurationError(
                f"The rule's `when` cannot be used: {exc}.",
                expected="a regular expression",
                came=repr(self.when),
                do="escape literal text with re.escape()",
            ) from exc
        check(
            isinstance(self.calls, tuple) and all(isinstance(c, ToolCall) for c in self.calls),
            "calls",
            self.calls,
            expected="a tuple of ToolCall",
            do='write calls=(ToolCall(name="refund"),)',
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rule:
        """A rule from its JSON form, as :meth:`to_dict` gives it."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise ConfigurationError(
                "A rule of the script has fields that do not exist.",
                expected=", ".join(cls.__dataclass_fields__),
                came=", ".join(unknown),
                do="correct the script",
            )
        calls = tuple(ToolCall(**call) for call in data.get("calls", ()))
        return cls(**{**data, "calls": calls})

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON can carry it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A model request, whichever API it came by. Messages have role, content, tool calls."""

    path: str
    model: str
    messages: tuple[Mapping[str, Any], ...]
    stream: bool = False

    @property
    def text(self) -> str:
        """The text of the last message."""
        return message_text(self.messages[-1]) if self.messages else ""

    @property
    def role(self) -> str:
        return str(self.messages[-1].get("role", "")) if self.messages else ""

    @property
    def turn(self) -> int:
        """How many assistant messages came since the last one of the user."""
        turn = 0
        for message in self.messages:
            role = message.get("role")
            turn = 0 if role == "user" else turn + (role == "assistant")
        return turn

    @property
    def key(self) -> str:
        """Names this call for people and tests: model, length of the prompt, last text."""
        return f"{self.model}/{len(self.messages)}/{self.text[:80]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says to one prompt, before it takes the shape of an API."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


def message_text(message: Mapping[str, Any]) -> str:
    """The text of a message, its blocks joined."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(block.get("text", "")) for block in content)


def as_text(value: Any) -> str:
    """The text itself; token ids, which embedding clients may send, in words."""
    return value if isinstance(value, str) else " ".join(map(str, value))


class Script:
    """Rules in order; the first that fits and is not spent answers."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = list(rules)
        self._spent: dict[tuple[str, int], int] = {}

    def add(self, rules: Iterable[Rule]) -> None:
        """Rules that come later are tried later."""
        self._rules += rules

    def find(self, prompt: Prompt, tag: str) -> tuple[Rule, re.Match[str]] | None:
        """The rule that answers this prompt, with the match of its ``when``."""
        for number, rule in enumerate(self._rules):
            match = fits(rule, prompt)
            if match is None:
                continue
            if rule.times is not None:
                used = self._spent.get((tag, number), 0)
                if used >= rule.times:
                    continue
                self._spent[tag, number] = used + 1
            return rule, match
        return None


def fits(rule: Rule, prompt: Prompt) -> re.Match[str] | None:
    """The match of the rule's ``when`` if the whole rule fits the prompt."""
    if rule.model and rule.model != prompt.model:
        return None
    if rule.role and rule.role != prompt.role:
        return None
    if rule.turn is not None and rule.turn != prompt.turn:
        return None
    return re.search(rule.when, prompt.text, re.DOTALL)


def answer(rule: Rule, match: re.Match[str], prompt: Prompt) -> Answer:
    """What the rule says to this prompt; the ids of tool calls follow from the prompt."""
    text = match.expand(rule.says)
    seed = json.dumps([prompt.model, *map(dict, prompt.messages)], sort_keys=True, default=str)
    digest = hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()
    calls = tuple(
        ToolCall(
            name=call.name,
            args={key: _expand(value, match) for key, value in call.args.items()},
            id=call.id or f"call_{digest}_{number}",
        )
        for number, call in enumerate(rule.calls)
    )
    said = text + " ".join(f"{call.name} {json.dumps(call.args)}" for call in calls)
    return Answer(
        text=text,
        calls=calls,
        input_tokens=sum(len(message_text(message).split()) for message in prompt.messages),
        output_tokens=len(said.split()) + rule.reasoning_tokens,
        cached_tokens=rule.cached_tokens,
        reasoning_tokens=rule.reasoning_tokens,
    )


def _expand(value: Any, match: re.Match[str]) -> Any:
    return match.expand(value) if isinstance(value, str) else value
