import math
import sys
import threading
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langgraph.types import Command, Send
from pydantic import BaseModel, Field

from langchain_durable.codec import Codec
from langchain_durable.errors import (
    ConfigurationError,
    JournalCorrupt,
    Unjournalable,
    ValueTooLarge,
)
from tests.codec.strategies import ALLOWED, Colour, Point, Report, same, values, with_messages

CODEC = Codec(allow=ALLOWED)


def there_and_back(value: Any, codec: Codec = CODEC) -> Any:
    return codec.decode(codec.encode(value, bind=b"here"), bind=b"here")


@given(values)
def test_every_value_comes_back_equal_and_of_the_same_type(value: Any) -> None:
    assert same(there_and_back(value), value)


@given(with_messages)
def test_messages_and_what_holds_them_come_back_equal(value: Any) -> None:
    assert there_and_back(value) == value
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_floats_that_json_does_not_know_survive(value: float) -> None:
    assert repr(there_and_back(value)) == repr(value)


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**100])
def test_ints_of_any_size_survive(value: int) -> None:
    assert there_and_back([value]) == [value]


def test_a_tuple_stays_a_tuple_because_tools_check_for_one() -> None:
    assert there_and_back(("content", {"artifact": (1, 2)})) == ("content", {"artifact": (1, 2)})


def test_a_send_survives_with_its_timeout() -> None:
    sent = Send("node", {"messages": [AIMessage("hi")]}, timeout=3)
    back = there_and_back(sent)
    assert (back.node, back.arg, back.timeout) == (sent.node, sent.arg, sent.timeout)


def test_a_command_of_nothing_survives() -> None:
    assert there_and_back(Command()) == Command()


def test_private_attributes_and_unset_fields_of_a_model_survive() -> None:
    report = Report(title="t")
    report._seen = 7
    back = there_and_back(report)
    assert back._seen == 7
    assert back.model_fields_set == {"title"}


def test_decoding_gives_a_fresh_object_each_time() -> None:
    data = CODEC.encode(AIMessage("hi"), bind=b"")
    first = CODEC.decode(data, bind=b"")
    first.additional_kwargs["changed"] = True
    assert CODEC.decode(data, bind=b"").additional_kwargs == {}


def test_a_refused_value_is_named_by_its_path_and_the_option_that_helps() -> None:
    docs = [Document("a"), Document("b"), Document("c"), Document("d", metadata={"fn": lambda: 1})]
    with pytest.raises(Unjournalable) as caught:
        CODEC.encode({"docs": docs}, bind=b"", what="result")
    assert "result['docs'][3].metadata['fn'] is a function" in str(caught.value)
    assert "allow=" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "value is a object"),
        ((1, print), "value[1] is"),
        ({1: {(2, 3): object()}}, "value[1][(2, 3)] is"),
        ({frozenset({object}): 1}, "value's key frozenset"),
        (Point(x=1, tags=(object(),)), "value.tags[0] is"),  # type: ignore[arg-type]  # the point
        (deque([object()]), "value[1] is"),
    ],
)
def test_the_path_leads_through_every_container(value: Any, path: str) -> None:
    with pytest.raises(Unjournalable) as caught:
        CODEC.encode(value, bind=b"")
    assert path in str(caught.value)


def test_a_class_that_is_not_allowed_is_refused_and_named() -> None:
    with pytest.raises(Unjournalable, match=r"allow=\[Report\]"):
        Codec().encode(Report(title="x"), bind=b"")


@pytest.mark.parametrize("value", [ValueError("x"), object(), 1j])
def test_a_class_that_allow_would_refuse_is_not_advised(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        Codec(allow=[type(value)])
    with pytest.raises(Unjournalable, match=r"return plain data, or .* allow=\.") as caught:
        Codec().encode(value, bind=b"")
    assert "allow=[" not in str(caught.value)


def test_a_subclass_of_a_message_needs_to_be_allowed() -> None:
    class Mine(AIMessage):
        pass

    with pytest.raises(Unjournalable, match="Mine"):
        Codec().encode(Mine(content="hi"), bind=b"")
    codec = Codec(allow=[Mine])
    assert there_and_back(Mine(content="hi"), codec) == Mine(content="hi")


def test_a_record_of_a_class_no_longer_allowed_is_refused_by_name() -> None:
    data = CODEC.encode(Colour.RED, bind=b"")
    with pytest.raises(JournalCorrupt, match="Colour is not allowed"):
        Codec().decode(data, bind=b"")


def test_a_model_that_gained_a_field_with_a_default_is_rebuilt_with_it() -> None:
    class Old(BaseModel):
        a: int

    class New(BaseModel):
        a: int
        b: list[int] = [1]
        c: list[int] = Field(default_factory=list)
        d: int = Field(default_factory=lambda data: data["a"] + 1)

    New.__module__, New.__qualname__ = Old.__module__, Old.__qualname__
    data = Codec(allow=[Old]).encode(Old(a=1), bind=b"")
    assert Codec(allow=[New]).decode(data, bind=b"") == New(a=1)


@pytest.mark.parametrize("wrong", [int, object, "Report", lambda: 1])
def test_allow_takes_only_classes_that_it_can_carry(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        Codec(allow=[wrong])


def test_two_allowed_classes_with_one_name_are_refused() -> None:
    def make() -> type:
        class Twin(BaseModel):
            pass

        return Twin

    with pytest.raises(ConfigurationError, match="Twin"):
        Codec(allow=[make(), make()])


def test_a_value_over_the_cap_is_refused_with_size_cap_and_option() -> None:
    with pytest.raises(ValueTooLarge) as caught:
        Codec(max_bytes=1000).encode("x" * 1001, bind=b"")
    assert all(part in str(caught.value) for part in ("1000", "1004", "bytes="))


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: (value,)])
def test_a_value_that_contains_itself_is_refused(wrap: Any) -> None:
    inner: list[Any] = []
    inner.append(wrap(inner))
    with pytest.raises(Unjournalable, match="contains itself"):
        CODEC.encode(inner, bind=b"")


def test_what_is_encoded_at_the_limits_of_depth_can_be_decoded() -> None:
    for wrap in (lambda value: [value], lambda value: (value,), lambda value: {"a": value}):
        value: Any = 1
        encoded = b""
        try:
            for _ in range(300):
                value = wrap(value)
                encoded = CODEC.encode(value, bind=b"")
        except Unjournalable:
            pass
        CODEC.decode(encoded, bind=b"")


def test_the_redaction_hook_sees_the_value_and_gives_what_is_kept() -> None:
    codec = Codec(redact=lambda value: {**value, "secret": "***"})
    assert there_and_back({"secret": "x", "a": 1}, codec) == {"secret": "***", "a": 1}


def test_importing_the_codec_does_not_import_langgraph() -> None:
    import subprocess

    code = (
        "import sys, langchain_durable.codec.values as v;"
        "assert 'langgraph.types' not in sys.modules, 'imported';"
        "v.Codec().encode([1, (2,)], bind=b'')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_one_codec_serves_many_threads() -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        value = {"text": str(number) * 6000, "pair": (number,)}
        wrong.extend(number for _ in range(50) if there_and_back(value) != value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
