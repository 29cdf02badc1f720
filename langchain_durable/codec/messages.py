"""LangChain's own classes: messages, documents, prompts, agent actions. Codes 32 to 63.

A message travels as the fields that differ from their defaults, read from its
``__dict__``: ``model_dump`` follows declared types and costs twenty times as much. It
comes back field by field as it was, as unpickling would do it, because validators are
not idempotent: an ``AIMessageChunk`` parses its tool calls again, and an
``AIMessage`` takes them from ``additional_kwargs``. What validation would protect from,
a field of the wrong kind, is checked here, the same way out and in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from langchain_core import agents, documents, messages, prompt_values
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from langchain_durable.codec.forms import Form, Refused, expect

EXTRA = "x"

_SHORT = {
    "content": "c",
    "additional_kwargs": "a",
    "response_metadata": "r",
    "type": "t",
    "name": "n",
    "id": "i",
    "tool_calls": "k",
    "invalid_tool_calls": "j",
    "usage_metadata": "u",
    "tool_call_chunks": "h",
    "chunk_position": "p",
    "tool_call_id": "l",
    "artifact": "f",
    "status": "s",
    "role": "o",
    "page_content": "g",
    "metadata": "m",
    "messages": "e",
    "text": "b",
}
_LONG = {short: name for name, short in _SHORT.items()}

_KINDS: dict[str, tuple[type, ...]] = {
    "content": (str, list),
    "additional_kwargs": (dict,),
    "response_metadata": (dict,),
    "type": (str,),
    "name": (str,),
    "id": (str,),
    "tool_calls": (list,),
    "invalid_tool_calls": (list,),
    "usage_metadata": (dict,),
    "tool_call_chunks": (list,),
    "chunk_position": (str,),
    "tool_call_id": (str,),
    "status": (str,),
    "role": (str,),
    "page_content": (str,),
    "metadata": (dict,),
    "messages": (list, tuple),
    "text": (str,),
    "image_url": (dict,),
    "tool": (str,),
    "tool_input": (str, dict),
    "log": (str,),
    "message_log": (list, tuple),
    "return_values": (dict,),
}
_ANY: tuple[type, ...] = (object,)
_NONE: Any = object()


def _name(short: Any) -> str:
    return "" if short == EXTRA else f".{_LONG.get(short, short)}"


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return _NONE
    return default_of(field, {})


def _taker(cls: type[BaseModel]) -> Callable[[Any], dict[str, Any]]:
    table = {
        name: (_SHORT.get(name, name), _default(field), _KINDS.get(name, _ANY))
        for name, field in cls.model_fields.items()
    }

    def take(value: Any) -> dict[str, Any]:
        plain = {}
        for name, item in value.__dict__.items():
            if name not in table:
                raise Refused(f"has an attribute {name!r} that is not a field")
            short, default, kinds = table[name]
            # An == between types may cost much, or mean nothing, as for a DataFrame.
            if item is default or (type(item) is type(default) and item == default):
                continue
            if type(item) not in kinds and not isinstance(item, kinds):
                raise Refused(f"has a {type(item).__name__} as its {name!r}")
            plain[short] = item
        extra = value.__pydantic_extra__
        if extra:
            plain[EXTRA] = extra
        return plain

    return take


def _giver(cls: type[BaseModel]) -> Callable[[Any], BaseModel]:
    fields = [
        (name, _SHORT.get(name, name), _default(field), _KINDS.get(name, _ANY))
        for name, field in cls.model_fields.items()
    ]
    open_ended = cls.model_config.get("extra") == "allow"

    def give(plain: Any) -> BaseModel:
        expect(plain, dict)
        extra = expect(plain.pop(EXTRA, {}), dict)
        state, given = {}, set()
        for name, short, default, kinds in fields:
            if short in plain:
                item = plain.pop(short)
                if not isinstance(item, kinds):
                    raise ValueError(f"{cls.__name__}.{name} is a {type(item).__name__}")
                given.add(name)
            elif default is _NONE:
                raise ValueError(f"{cls.__name__} without {name!r}")
            else:
                # A list or dict must be a new one for each message.
                item = default.copy() if type(default) in (list, dict) else default
            state[name] = item
        if plain:
            raise ValueError(f"{cls.__name__} has no field {next(iter(plain))!r}")
        if extra and not open_ended:
            raise ValueError(f"{cls.__name__} takes no extra fields")
        return rebuild(cls, state, given, extra if open_ended else None, None)

    return give


def form(code: int, cls: type[BaseModel]) -> Form:
    """The form of a class of LangChain's, by its fields."""
    return Form(code=code, take=_taker(cls), give=_giver(cls), name=_name)


def default_of(field: FieldInfo, state: dict[str, Any]) -> Any:
    """A fresh default, as pydantic makes it; ``state`` are the fields before this one."""
    factory: Any = field.default_factory
    if factory is None:
        return field.get_default()
    # pydantic before 2.10 has neither such factories nor the attribute
    takes_state = getattr(field, "default_factory_takes_validated_data", False)
    return factory(state) if takes_state else factory()


def rebuild(
    cls: type[BaseModel],
    state: dict[str, Any],
    given: set[str],
    extra: dict[str, Any] | None,
    private: dict[str, Any] | None,
) -> BaseModel:
    """A model with exactly this state; no validator and no ``__init__`` runs."""
    model = cls.__new__(cls)
    model.__setstate__(
        {
            "__dict__": state,
            "__pydantic_fields_set__": given,
            "__pydantic_extra__": extra,
            "__pydantic_private__": private,
        }
    )
    return model


# The position is the code, so classes are only ever added at the end.
_CLASSES: tuple[type[BaseModel], ...] = (
    messages.AIMessage,
    messages.AIMessageChunk,
    messages.HumanMessage,
    messages.HumanMessageChunk,
    messages.SystemMessage,
    messages.SystemMessageChunk,
    messages.ToolMessage,
    messages.ToolMessageChunk,
    messages.ChatMessage,
    messages.ChatMessageChunk,
    messages.FunctionMessage,
    messages.FunctionMessageChunk,
    messages.RemoveMessage,
    messages.BaseMessage,
    messages.BaseMessageChunk,
    documents.Document,
    prompt_values.StringPromptValue,
    prompt_values.ChatPromptValue,
    prompt_values.ChatPromptValueConcrete,
    prompt_values.ImagePromptValue,
    agents.AgentAction,
    agents.AgentActionMessageLog,
    agents.AgentFinish,
)

FORMS: dict[type, Form] = {cls: form(32 + place, cls) for place, cls in enumerate(_CLASSES)}


def form_of(cls: type) -> Form | None:
    """The form of LangChain's private kinds of document, which carry a vector beside: they come
    back as documents. None for any other class."""
    if not (issubclass(cls, documents.Document) and cls.__module__.startswith("langchain")):
        return None
    whole = FORMS[documents.Document]

    def take(value: Any) -> Any:
        kept = {name: getattr(value, name) for name in ("page_content", "metadata", "id")}
        return whole.take(documents.Document(**kept))

    return replace(whole, take=take)
