"""Classes of the program that it allowed by name: ``Codec(allow=[Report])``. Codes 96 to 99.

A record holds the class's qualified name and the state of the object. The name is looked
up among the allowed classes and nowhere else: no module is ever imported for it. No
``__init__``, validator or ``__post_init__`` runs, the object is what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from enum import Enum, Flag
from typing import Any

from pydantic import BaseModel

from langchain_durable.arguments import check
from langchain_durable.codec.forms import Form, Refused, expect
from langchain_durable.codec.messages import default_of, rebuild
from langchain_durable.errors import ConfigurationError

_ENUM, _MODEL, _DATACLASS, _NAMEDTUPLE = 96, 97, 98, 99
# Keys beside field names; a field's name is an identifier, so they cannot meet.
_CLASS, _EXTRA, _PRIVATE, _UNSET = "", "+", "-", "~"
_MISSING: Any = object()


def qualified_name(cls: type) -> str:
    """The name by which records know a class of the program's."""
    return f"{cls.__module__}:{cls.__qualname__}"


def allowed_forms(classes: Sequence[type]) -> tuple[dict[type, Form], dict[int, Form]]:
    """The forms of these classes by class, and by code. A class of no known kind is an error."""
    check(
        isinstance(classes, Iterable),
        "allow",
        classes,
        expected="classes, in a list",
        do="write for example allow=[Report]",
    )
    names: dict[str, type] = {}
    by_class: dict[type, Form] = {}
    for cls in classes:
        other = names.setdefault(qualified_name(cls), cls) if isinstance(cls, type) else None
        if other is not cls:
            raise ConfigurationError(
                f"allow= has {cls!r}.",
                expected="classes, each with a name of its own",
                came=f"two classes named {qualified_name(other)}" if other else repr(cls),
                do="give the class itself, once",
            )
        by_class[cls] = _form(cls, names)
    by_code = {code: _by_code(code, names) for code in (_ENUM, _MODEL, _DATACLASS, _NAMEDTUPLE)}
    return by_class, by_code


def allowable(cls: type) -> bool:
    """Can ``allow`` name this class?"""
    kinds = issubclass(cls, (Enum, BaseModel)) or dataclasses.is_dataclass(cls)
    return kinds or (issubclass(cls, tuple) and hasattr(cls, "_fields"))


def _form(cls: type, names: dict[str, type]) -> Form:
    name = qualified_name(cls)
    if issubclass(cls, Enum):
        return _form_of(_ENUM, names, lambda value: [name, _member_out(value)])
    if issubclass(cls, BaseModel):
        return _form_of(_MODEL, names, lambda value: _model_out(name, value))
    if dataclasses.is_dataclass(cls):
        fields = [field.name for field in dataclasses.fields(cls)]
        return _form_of(_DATACLASS, names, lambda value: _dataclass_out(name, fields, value))
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _form_of(_NAMEDTUPLE, names, lambda value: [name, *value])
    raise ConfigurationError(
        f"allow= has {cls.__qualname__}, which the journal cannot carry.",
        expected="a pydantic model, a dataclass, an Enum or a NamedTuple",
        came=f"a class derived from {cls.__mro__[1].__name__}" if cls is not object else "object",
        do="return one of these from the step, or plain data",
    )


def _form_of(code: int, names: dict[str, type], take: Any) -> Form:
    return Form(code=code, take=take, give=_GIVE[code](names), name=_path)


def _by_code(code: int, names: dict[str, type]) -> Form:
    return Form(code=code, take=lambda value: value, give=_GIVE[code](names))


def _path(key: Any) -> str:
    if isinstance(key, int):
        return f"[{key - 1}]"
    return "" if key in (_EXTRA, _PRIVATE) else f".{key}"


def _look_up(names: dict[str, type], name: Any) -> Any:
    cls = names.get(expect(name, str))
    if cls is None:
        raise ValueError(f"the class {name} is not allowed (add it to allow=)")
    return cls


def _member_out(value: Enum) -> Any:
    """By name, which no ``_missing_`` hook can turn into code; a set of flags by its number."""
    return value.value if isinstance(value, Flag) else value.name


def _enum_giver(names: dict[str, type]) -> Any:
    def give(plain: Any) -> Any:
        name, member = expect(plain, list)
        cls = _look_up(names, name)
        if issubclass(cls, Flag):
            return cls(expect(member, int))
        return cls[expect(member, str)]

    return give


def _model_out(name: str, value: BaseModel) -> dict[str, Any]:
    fields, found = type(value).model_fields, value.__dict__
    if not fields.keys() <= found.keys():  # model_construct() lets a required one be left out
        raise _lacking(key for key in fields if key not in found)
    plain = {_CLASS: name, **{key: found[key] for key in fields}}
    unset = sorted(type(value).model_fields.keys() - value.__pydantic_fields_set__)
    if unset:
        plain[_UNSET] = unset
    if value.__pydantic_extra__:
        plain[_EXTRA] = value.__pydantic_extra__
    if value.__pydantic_private__:
        plain[_PRIVATE] = value.__pydantic_private__
    return plain


def _model_giver(names: dict[str, type]) -> Any:
    def give(plain: Any) -> Any:
        cls = _look_up(names, expect(plain, dict).pop(_CLASS, None))
        unset = set(expect(plain.pop(_UNSET, []), list))
        extra = expect(plain.pop(_EXTRA, {}), dict)
        private = expect(plain.pop(_PRIVATE, {}), dict)
        state: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if name not in plain and field.is_required():
                raise ValueError(f"{cls.__qualname__} has a new field {name!r} without a default")
            if name not in plain:
                unset.add(name)
                state[name] = default_of(field, state)
            else:
                state[name] = plain.pop(name)
        _no_more(cls, plain)
        if private.keys() - cls.__private_attributes__.keys():
            raise ValueError(f"{cls.__qualname__} has no private attribute {min(private)!r}")
        if extra and cls.model_config.get("extra") != "allow":
            raise ValueError(f"{cls.__qualname__} takes no extra fields")
        return rebuild(
            cls,
            state,
            state.keys() - unset,
            extra if cls.model_config.get("extra") == "allow" else None,
            private if cls.__private_attributes__ else None,
        )

    return give


def _dataclass_out(name: str, fields: list[str], value: Any) -> dict[str, Any]:
    found = {key: getattr(value, key, _MISSING) for key in fields}
    if any(item is _MISSING for item in found.values()):
        raise _lacking(key for key, item in found.items() if item is _MISSING)
    return {_CLASS: name, **found}


def _lacking(names: Iterable[str]) -> Refused:
    return Refused(f"lacks its field {next(iter(names))!r}")


def _dataclass_giver(names: dict[str, type]) -> Any:
    def give(plain: Any) -> Any:
        cls = _look_up(names, expect(plain, dict).pop(_CLASS, None))
        value = object.__new__(cls)
        for field in dataclasses.fields(cls):
            if field.name in plain:
                item = plain.pop(field.name)
            elif field.default is not dataclasses.MISSING:
                item = field.default
            elif field.default_factory is not dataclasses.MISSING:
                item = field.default_factory()
            else:
                raise ValueError(f"{cls.__qualname__} has a new field {field.name!r}")
            object.__setattr__(value, field.name, item)
        _no_more(cls, plain)
        return value

    return give


def _no_more(cls: type, plain: dict[str, Any]) -> None:
    if plain:
        raise ValueError(f"{cls.__qualname__} has no field {next(iter(plain))!r} any more")


def _namedtuple_giver(names: dict[str, type]) -> Any:
    def give(plain: Any) -> Any:
        name, *items = expect(plain, list)
        return _look_up(names, name)._make(items)

    return give


_GIVE = {
    _ENUM: _enum_giver,
    _MODEL: _model_giver,
    _DATACLASS: _dataclass_giver,
    _NAMEDTUPLE: _namedtuple_giver,
}
