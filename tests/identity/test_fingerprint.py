import dataclasses
import datetime as dt
import enum
import gc
import os
import re
import subprocess
import sys
import threading
import uuid
import weakref
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.tools import ToolRuntime
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForToolRun,
    StdOutCallbackHandler,
)
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    HumanMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from langchain_core.messages.tool import tool_call
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from langchain_durable.identity.fingerprint import fingerprint, fingerprint_keys, forget
from tests.codec.strategies import messages, values

PROGRAM = """
import datetime as dt, enum, dataclasses, uuid
from decimal import Decimal
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.documents import Document
from langchain_durable.identity.fingerprint import fingerprint

class Thing: pass

@dataclasses.dataclass
class Point:
    tags: frozenset

value = {
    "messages": [HumanMessage("hi"), AIMessage("", tool_calls=[
        {"name": "f", "args": {"b": 1, "a": {"x", "y", "z"}}, "id": "1"}])],
    "set": {"one", "two", "three", ("a", 1), 4.5},
    "point": Point(frozenset("abcdef")),
    "doc": Document("text", metadata={"when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}),
    "keys": {1: "x", (2, 3): Decimal("1.5"), None: uuid.UUID(int=5)},
    "thing": Thing(), "function": print, "bytes": b"x", "big": 2**80, "odd": "\\ud800",
}
print(fingerprint(value).hex())
"""


def test_it_is_8_bytes() -> None:
    assert len(fingerprint({"a": 1})) == 8


def test_it_is_the_same_in_processes_with_other_hash_seeds() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(found) == 1
    # It may never change: a run of yesterday is matched by it.
    assert found == {b"62ee281073c4e527\n"}


@given(messages, st.text(max_size=5))
def test_ids_metadata_and_usage_do_not_matter(message: BaseMessage, other: str) -> None:
    changed = message.model_copy(deep=True)
    changed.id = other
    changed.response_metadata = {"model": other}
    changed.additional_kwargs = {"logprobs": other}
    if isinstance(changed, AIMessage):
        changed.usage_metadata = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert fingerprint([changed]) == fingerprint([message])


@pytest.mark.parametrize(
    "change",
    [
        {"content": "other"},
        {"name": "other"},
        {"tool_call_id": "other"},
        {"status": "error"},
    ],
)
def test_content_name_tool_call_id_and_status_matter(change: dict[str, Any]) -> None:
    message = ToolMessage("x", tool_call_id="1")
    assert fingerprint([message.model_copy(update=change)]) != fingerprint([message])


@pytest.mark.parametrize("form", ["{}", "call_{}", "handoff-{}-back"])
@pytest.mark.parametrize("made", [uuid.uuid4, lambda: uuid.uuid4().hex])
def test_uuids_in_the_ids_of_tool_calls_do_not_matter(
    form: str, made: Callable[[], object]
) -> None:
    def handoff() -> list[BaseMessage]:
        made_up = form.format(made())
        asked = AIMessage("back", tool_calls=[tool_call(name="back", args={}, id=made_up)])
        return [asked, ToolMessage("done", tool_call_id=made_up)]

    assert fingerprint(handoff()) == fingerprint(handoff())


def test_the_arguments_of_a_tool_call_matter() -> None:
    one, other = (
        AIMessage("", tool_calls=[tool_call(name="f", args={"x": x}, id="1")]) for x in (1, 2)
    )
    assert fingerprint([one]) != fingerprint([other])


@given(st.lists(messages, min_size=2, max_size=3, unique_by=id))
def test_the_order_of_messages_matters_unless_they_are_the_same(found: list[BaseMessage]) -> None:
    alike = fingerprint([found[0]]) == fingerprint([found[-1]])
    assert (fingerprint(found) == fingerprint([found[-1], *found[1:-1], found[0]])) == alike


@pytest.mark.parametrize(
    ("message", "chunk"),
    [
        (HumanMessage("x"), HumanMessageChunk(content="x")),
        (ToolMessage("x", tool_call_id="1"), ToolMessageChunk(content="x", tool_call_id="1")),
        (
            AIMessage("x", tool_calls=[tool_call(name="f", args={"a": 1}, id="1")]),
            AIMessageChunk(content="x", tool_calls=[tool_call(name="f", args={"a": 1}, id="1")]),
        ),
    ],
)
def test_a_message_and_its_chunk_are_the_same(message: BaseMessage, chunk: BaseMessage) -> None:
    assert fingerprint([message]) == fingerprint([chunk])
    assert fingerprint({"deep": {"down": [message]}}) == fingerprint({"deep": {"down": [chunk]}})


def test_a_prompt_is_the_same_as_its_messages() -> None:
    conversation: list[BaseMessage] = [HumanMessage("hi"), AIMessage("ho")]
    assert fingerprint(ChatPromptValue(messages=conversation)) == fingerprint(conversation)
    assert fingerprint(StringPromptValue(text="hi")) == fingerprint([HumanMessage("hi")])


@dataclasses.dataclass
class Shop:
    city: str


class City(enum.Enum):
    BERLIN = "Berlin"
    PARIS = "Paris"


class OwnStore(InMemoryStore):
    """A program's own, made of LangGraph's."""


def manager(kind: Any) -> Any:
    return kind.get_noop_manager()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("config", None),
        ("config", {}),
        ("config", {"callbacks": CallbackManager([]), "tags": []}),
        ("callbacks", CallbackManager([])),
        ("callbacks", [StdOutCallbackHandler()]),
        ("callbacks", []),
        ("run_manager", manager(CallbackManagerForToolRun)),
        ("run_manager", manager(AsyncCallbackManagerForRetrieverRun)),
        ("runtime", Runtime()),
        (
            "runtime",
            ToolRuntime(
                state={"x": 1},
                context=None,
                config={},
                stream_writer=print,
                tool_call_id="1",
                store=InMemoryStore(),
            ),
        ),
        ("store", InMemoryStore()),
        ("store", OwnStore()),
    ],
)
def test_what_langchain_injects_does_not_matter(key: str, value: Any) -> None:
    plain = {"city": "Berlin", "deep": {"x": 1}}
    injected = {"city": "Berlin", "deep": {"x": 1, key: value}, key: value}
    assert fingerprint(injected) == fingerprint(plain)
    assert fingerprint_keys(injected).keys() == plain.keys()


def test_a_runnable_config_does_not_matter() -> None:
    config = {"tags": ["a"], "configurable": {"thread_id": "1"}, "callbacks": [object()]}
    assert fingerprint({"x": 1, "config": config}) == fingerprint({"x": 1})


@pytest.mark.parametrize("key", ["config", "runtime", "store"])
def test_the_programs_own_data_under_an_injected_name_matters(key: str) -> None:
    assert fingerprint({key: "Berlin"}) != fingerprint({key: "Paris"})
    assert fingerprint({key: {"path": "a"}}) != fingerprint({key: {"path": "b"}})


@pytest.mark.parametrize("key", ["config", "callbacks", "run_manager", "runtime", "store"])
@pytest.mark.parametrize(
    "make",
    [
        lambda city: SimpleNamespace(city=city),
        lambda city: Shop(city),
        lambda city: Document(city),
        lambda city: [Shop(city)],
        lambda city: array("b", city.encode()),
        lambda city: City(city),
    ],
    ids=["object", "dataclass", "document", "list", "array", "member"],
)
def test_the_programs_own_objects_under_an_injected_name_matter(key: str, make: Any) -> None:
    berlin, paris = ({key: make(city)} for city in ("Berlin", "Paris"))
    assert fingerprint(berlin) == fingerprint({key: make("Berlin")})
    assert fingerprint(berlin) != fingerprint(paris)
    assert fingerprint({"deep": [berlin]}) != fingerprint({"deep": [paris]})
    assert fingerprint_keys(berlin) != fingerprint_keys(paris)


def test_a_text_that_reads_like_an_injected_name_changes_nothing() -> None:
    assert fingerprint({"q": "store"}) != fingerprint({"q": "config"})
    assert fingerprint({"q": ["store", (1, 2)]}) == fingerprint({"q": ["store", [1, 2]]})


def test_the_order_of_keys_and_the_kind_of_dict_do_not_matter() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint(OrderedDict(b=2, a=1))
    assert fingerprint({1: 1, 2: 2}) == fingerprint({2: 2, 1: 1})


def test_keys_of_different_types_are_different() -> None:
    assert fingerprint({1: "x"}) != fingerprint({"1": "x"})


def test_objects_count_by_fields_and_members_by_value() -> None:
    class Model(BaseModel):
        a: int

    @dataclasses.dataclass
    class Data:
        a: int

    class Member(enum.Enum):
        A = 1

    for kind in (Model, Data):
        assert fingerprint(kind(a=1)) == fingerprint(kind(a=1))
        assert fingerprint(kind(a=1)) != fingerprint(kind(a=2))
    assert fingerprint([Member.A]) == fingerprint([1])


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.itself = self


class Row:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def read(self) -> int:
        return self.number


def closed_over(number: int) -> Any:
    return lambda: number


@pytest.mark.parametrize(
    "make",
    [
        Order,
        Row,
        closed_over,
        lambda number: Row(number).read,
        lambda number: partial(pow, number),
        lambda number: SimpleNamespace(number=Order(number)),
        lambda number: MappingProxyType({"number": number}),
        lambda number: array("d", [number]),
        lambda number: re.compile(str(number)),
        lambda number: range(number),
        lambda number: complex(number),
        lambda number: bytearray([number]),
        lambda number: KeyError(number),
        lambda number: {Row(number), Row(3)},
    ],
)
def test_data_of_a_class_that_nobody_knows_counts(make: Any) -> None:
    assert fingerprint(make(1)) == fingerprint(make(1))
    assert fingerprint({"x": make(1)}) != fingerprint({"x": make(2)})


class Binary(bytes):
    """As the bytes that some databases give, which are of a class of their own."""


def test_bytes_of_a_class_of_their_own_count() -> None:
    assert fingerprint(Binary(b"a")) == fingerprint(Binary(b"a")) != fingerprint(Binary(b"b"))


class Open(BaseModel, extra="allow"):
    city: str = ""


def test_fields_that_a_model_has_not_declared_count() -> None:
    berlin = fingerprint(Open.model_validate({"city": "Berlin", "zip": 10115}))
    assert fingerprint(Open.model_validate({"city": "Berlin", "zip": 10115})) == berlin
    assert fingerprint(Open.model_validate({"city": "Berlin", "zip": 10117})) != berlin
    assert fingerprint(Open(city="Berlin")) != berlin


TABLES: dict[str, Callable[[Any, int], Any]] = {
    "numbers": lambda pandas, number: pandas.DataFrame({"a": [1, number]}),
    "columns": lambda pandas, number: pandas.DataFrame({f"a{number}": [1]}),
    "index": lambda pandas, number: pandas.DataFrame({"a": [1]}, index=[number]),
    "texts": lambda pandas, number: pandas.DataFrame({"a": [1.5], "b": [str(number)]}),
    "many": lambda pandas, number: pandas.Series([*map(str, range(9000)), str(number)]),
    "category": lambda pandas, number: pandas.Series(["x", str(number)], dtype="category"),
    "dtype": lambda pandas, number: pandas.Series([1], dtype=f"int{number * 32}"),
    "labels": lambda pandas, number: pandas.Index(["x", str(number)]),
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_a_table_counts_by_its_rows_and_not_by_how_it_keeps_them(
    make: Callable[[Any, int], Any],
) -> None:
    pandas = pytest.importorskip("pandas")
    found = fingerprint({"x": make(pandas, 1)})
    assert fingerprint({"x": make(pandas, 2)}) != found

    read = make(pandas, 1)
    if isinstance(read, pandas.DataFrame):
        read["more"] = 1
        read.describe()
        read = read.drop(columns="more")
    assert fingerprint({"x": read}) == found


@pytest.mark.parametrize(
    "live", [Lock(), weakref.ref(Order), (n for n in range(0)), InMemoryStore()]
)
def test_what_holds_no_data_counts_by_its_class(live: Any) -> None:
    assert fingerprint(SimpleNamespace(live=live, calls=1)) == fingerprint(
        SimpleNamespace(live=live, calls=2)
    )
    assert fingerprint(SimpleNamespace(live=live)) != fingerprint(Order)


def test_a_proxy_is_not_asked_for_anything() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return name

    asked: list[str] = []
    fingerprint({"x": Proxy()})
    assert [name for name in asked if not name.startswith("__")] == []


def test_the_tags_of_the_programs_own_config_count() -> None:
    one, other = ({"config": {"tags": [tag]}} for tag in "ab")
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", [{"type": "tool_call", "id": "1", "name": "look", "args": {}}]),
        ("on it", [{"type": "text", "text": "on it"}]),
        ("on it", [{"type": "text", "text": "on", "index": 0}, {"type": "text", "text": " it"}]),
    ],
)
def test_text_is_the_same_in_blocks(text: str, blocks: list[Any]) -> None:
    """Some ways of streaming give the one, some the other."""
    calls = [{"name": "look", "args": {}, "id": "1"}]
    assert fingerprint([AIMessage(text, tool_calls=calls)]) == fingerprint(
        [AIMessage(blocks, tool_calls=calls)]
    )


def test_a_content_block_is_the_same_streamed_and_whole() -> None:
    thought = {"type": "reasoning", "id": "r", "encrypted_content": "x"}
    streamed = {"type": "reasoning", "id": "r", "index": 0, "extras": {"encrypted_content": "x"}}
    assert fingerprint([AIMessage([streamed])]) == fingerprint([AIMessage([thought])])

    call = tool_call(name="look", args={"a": 1}, id="1")
    text = {"type": "text", "text": "hi"}
    whole = AIMessage([text, dict(call)], tool_calls=[call])
    # LangChain puts a call's chunks into the text's block, if both have the index 0.
    merged = AIMessage([{**text, "index": 0, "name": "look", "args": "{"}], tool_calls=[call])
    assert fingerprint([merged]) == fingerprint([whole])
    assert fingerprint([whole]) != fingerprint([AIMessage([{**text, "text": "ho"}, dict(call)])])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"a", b"b"),
        (2**80, 2**81),
        ("\ud800", "\ud801"),
        ({1, 2}, {1, 3}),
        (dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)),
        (dt.datetime(2026, 1, 1), dt.date(2026, 1, 1)),
        (deque([1]), deque([2])),
        (None, ""),
        ([1], [1, None]),
        ("ab", ["a", "b"]),
    ],
)
def test_different_values_differ(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint({"x": one}) != fingerprint({"x": other})


@given(values)
def test_every_value_has_one_and_the_same_each_time(value: Any) -> None:
    assert fingerprint(value) == fingerprint(value)
    assert fingerprint({"x": value}) == fingerprint({"x": value})


def test_a_value_that_contains_itself_has_one() -> None:
    inner: dict[str, Any] = {"a": 1}
    inner["self"] = [inner]
    other: dict[str, Any] = {"a": 2}
    other["self"] = [other]
    assert fingerprint(inner) != fingerprint(other)


def test_a_very_deep_value_has_one() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    assert len(fingerprint(value)) == 8


@pytest.mark.parametrize(
    ("one", "other"),
    [(Path("\udcfe"), Path("\udcff")), ([10**5000], [10**5000 + 1])],
    ids=["paths that are not UTF-8", "numbers too long for decimals"],
)
def test_what_has_no_text_has_one_and_differs(one: Any, other: Any) -> None:
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)


def test_the_key_that_differs_is_named() -> None:
    one, other = (fingerprint_keys({"a": 1, "b": b}) for b in (1, 2))
    assert one["a"] == other["a"]
    assert one["b"] != other["b"]


def test_an_input_without_keys_has_one_fingerprint_under_the_empty_name() -> None:
    assert fingerprint_keys("hi") == {"": fingerprint("hi")}


@pytest.mark.parametrize("name", ["name", "content"])
def test_a_change_in_place_is_seen_although_the_message_is_remembered(name: str) -> None:
    conversation = [HumanMessage(f"{number}") for number in range(5)]
    before = fingerprint({"messages": conversation})
    setattr(conversation[2], name, "changed")
    assert fingerprint({"messages": conversation}) != before
    assert fingerprint({"messages": [*conversation]}) != before


def test_new_tool_calls_on_a_remembered_message_are_seen() -> None:
    message = AIMessage("", tool_calls=[tool_call(name="f", args={"a": 1}, id="1")])
    before = fingerprint([message])
    message.tool_calls = [tool_call(name="f", args={"a": 2}, id="1")]
    assert fingerprint([message]) != before


def test_a_message_replaced_in_the_middle_of_a_remembered_list_is_seen() -> None:
    conversation = [HumanMessage(f"{number}") for number in range(5)]
    before = fingerprint(conversation)
    conversation[2] = HumanMessage("other")
    assert fingerprint(conversation) != before


@given(st.lists(messages, max_size=4))
def test_what_is_remembered_gives_what_would_be_computed(found: list[BaseMessage]) -> None:
    remembered = (fingerprint(found), fingerprint({"m": found}), fingerprint([[*found]]))
    forget()
    assert remembered == (fingerprint(found), fingerprint({"m": found}), fingerprint([[*found]]))


def test_threads_agree() -> None:
    conversation = [HumanMessage(f"{number}") for number in range(50)]
    expected = fingerprint(conversation)
    found: set[bytes] = set()

    def work() -> None:
        for _ in range(50):
            forget()
            found.add(fingerprint({"m": [*conversation]}))
            found.add(fingerprint({"m": conversation}))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {fingerprint({"m": conversation})}
    assert fingerprint(conversation) == expected


class Image:
    """What a tool hands to the program beside what it says to the model."""


@pytest.mark.parametrize("shape", ["alone", "in a conversation"])
def test_a_message_with_an_artifact_is_not_kept_alive(shape: str) -> None:
    image = Image()
    kept = weakref.ref(image)
    message = ToolMessage("done", tool_call_id="1", artifact=image)
    seen: Any = message if shape == "alone" else {"messages": [HumanMessage("draw"), message]}
    assert fingerprint(seen) == fingerprint(seen)

    del image, message, seen
    gc.collect()
    assert kept() is None
