"""An error that a program handled is the same error when it is replayed."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_durable import Durable, ReplayedError, RunCompleted, StreamCut
from langchain_durable.events import ErrorInfo
from langchain_durable.recorder.failures import KEPT_BYTES, rebuild
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI
from tests.conftest import MakeDurable
from tests.fakes import Model


class Coded(Exception):
    """An error whose constructor takes no text, and whose text is made of an attribute."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code
        self.secret = self._secret = open  # neither is plain data, and one is nobody's business

    def __str__(self) -> str:
        return f"code {self.code}"


class Private(Exception):
    """An error whose text is made of what only it knows."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    def __str__(self) -> str:
        return f"code {self._code}"


class Stop(BaseException):
    """A program's own way out."""


def noted() -> Exception:
    exc = ValueError("bad")
    exc.add_note("at night")
    return exc


def bad_json() -> Exception:
    try:
        json.loads("{")
    except ValueError as exc:
        return exc
    raise AssertionError


class Program:
    """Handles the error of a tool, goes on, and dies in its first attempt."""

    def __init__(self, raises: Callable[[], BaseException], *, ends: bool = False) -> None:
        self.seen: list[BaseException] = []
        self.made = 0
        self._ends = ends
        self._model = Model()

        @tool
        def fail(x: int) -> str:
            """Fail."""
            self.made += 1
            raise raises()

        self._fail = fail

    def run(self, durable: Durable, *, dies: bool) -> None:
        with durable.run("run"):
            try:
                self._fail.invoke({"x": 1})
            except (Exception, Stop) as exc:
                self.seen.append(exc)
            if not self._ends:
                self._model.invoke("go on")
            if dies:
                raise KeyboardInterrupt

    def twice(self, durable: Durable) -> tuple[Any, Any]:
        with pytest.raises(KeyboardInterrupt):
            self.run(durable, dies=True)
        self.run(durable, dies=False)
        first, again = self.seen
        return first, again


@pytest.mark.parametrize(
    "raises",
    [
        lambda: KeyError("name"),
        lambda: ValueError("a", 1),
        lambda: ValueError(),
        lambda: FileNotFoundError(2, "No such file", "/x"),
        lambda: UnicodeDecodeError("utf8", b"x\xff", 1, 2, "bad"),
        lambda: Coded(3),
        noted,
        bad_json,
    ],
)
def test_a_replayed_error_is_the_one_that_was_raised(durable: Durable, raises: Any) -> None:
    program = Program(raises)
    first, again = program.twice(durable)

    assert program.made == 1
    assert type(again) is type(first)
    assert (str(again), again.args) == (str(first), first.args)
    kept = {name: value for name, value in vars(first).items() if "secret" not in name}
    assert {name: vars(again)[name] for name in kept} == kept
    assert getattr(again, "filename", None) == getattr(first, "filename", None)


def test_what_could_not_be_kept_is_named_in_a_note(durable: Durable) -> None:
    _, again = Program(lambda: Coded(3)).twice(durable)

    assert not hasattr(again, "secret")
    assert again.__notes__ == ["Replayed by langchain-durable; not in its journal: secret"]


def test_an_error_of_a_provider_has_its_attributes(durable: Durable) -> None:
    rule = Rule(when="long", status=400, says="context too long")
    with ScriptedOpenAI([rule, Rule(when="on", says="fine")]) as server:
        model = ChatOpenAI(base_url=server.url, api_key=SecretStr("k"), model="m", max_retries=0)
        seen = []
        for dies in (True, False):
            try:
                with durable.run("run"):
                    try:
                        model.invoke("long")
                    except openai.BadRequestError as exc:
                        seen.append((exc.status_code, exc.code, exc.body, str(exc)))
                    model.invoke("on")
                    if dies:
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                pass
        assert len(server.requests()) == 2
    assert seen[0][0] == 400
    assert seen[0] == seen[1]


def local() -> Exception:
    class Local(Exception):
        pass

    return Local("l")


@pytest.mark.parametrize(
    "raises", [local, lambda: Private(3), lambda: ExceptionGroup("two", [ValueError("q")])]
)
def test_an_error_that_the_journal_cannot_make_again_is_had_by_a_call(
    durable: Durable, raises: Any
) -> None:
    program = Program(raises)
    first, again = program.twice(durable)

    assert program.made == 2
    assert (type(again).__qualname__, str(again)) == (type(first).__qualname__, str(first))
    program.run(durable, dies=False)
    assert program.made == 2
    assert isinstance(program.seen[-1], ReplayedError)
    assert str(first) in str(program.seen[-1])


class Large(Exception):
    """An error with a document in it."""

    doc = ""
    line = 0


def large() -> Exception:
    text = random.Random(1).randbytes(KEPT_BYTES).hex()  # or it would be small when compressed
    exc = Large("small", text)
    exc.doc, exc.line = text, 7
    return exc


def test_parts_of_an_error_take_little_room(durable: Durable) -> None:
    first, again = Program(large).twice(durable)

    sizes = [len(entry.payload or b"") for entry in durable.events("run")]
    assert max(sizes) < KEPT_BYTES
    assert (str(again), again.line, again.doc) == (str(first), 7, "")


def test_journals_of_before_have_the_message_alone() -> None:
    exc = rebuild(ErrorInfo(module="builtins", qualname="ValueError", message="bad"), {})
    assert (type(exc), str(exc)) == (ValueError, "bad")


@pytest.mark.parametrize(
    "args",
    [
        ["utf8", b"x", -(2**40), 1, "bad"],
        ["utf8", b"x", 2**40, 2**40 + 1, "bad"],
        ["utf8", 5, 0, 1, "bad"],
        ["utf8", b"x"],
    ],
)
def test_a_hostile_record_cannot_point_beyond_a_text(args: list[Any]) -> None:
    info = ErrorInfo(module="builtins", qualname="UnicodeDecodeError", message="bad")
    exc = rebuild(info, {"": args, "object": 5, "start": -(2**40), "__class__": "x"})
    assert exc is None or str(exc) == ""


def test_an_error_that_was_caught_last_is_replayed_in_a_completed_run(durable: Durable) -> None:
    program = Program(lambda: ValueError("v"), ends=True)
    program.run(durable, dies=False)
    program.run(durable, dies=False)

    assert program.made == 1
    assert [str(exc) for exc in program.seen] == ["v", "v"]


def test_a_completed_stream_that_caught_an_error_is_replayed(durable: Durable) -> None:
    program = Program(lambda: ValueError("v"), ends=True)

    def sorry(_: Any) -> str:
        try:
            program._fail.invoke({"x": 1})
        except ValueError as exc:
            return f"sorry: {exc}"
        return "fine"

    wrapped = durable.wrap(RunnableLambda(sorry))
    for _ in range(2):
        assert list(wrapped.stream("q", durable.config("stream"))) == ["sorry: v"]
    assert program.made == 1


def test_a_completed_run_says_why_a_step_cannot_be_replayed(durable: Durable) -> None:
    program = Program(lambda: Stop("no"), ends=True)
    program.run(durable, dies=False)

    program.run(durable, dies=False)
    assert isinstance(program.seen[-1], RunCompleted)
    assert "tool:fail ended with Stop, which is not raised again" in str(program.seen[-1])


class HalfWay(Model):
    """A chat model whose stream fails after two chunks, the last of which it may not finish."""

    last: Any = AIMessageChunk(content="two ")

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        self._prompts.append([])
        yield ChatGenerationChunk(message=AIMessageChunk(content="one "))
        yield ChatGenerationChunk(message=self.last)
        raise ConnectionError("cut")

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream():
            yield chunk


class HalfWayText(FakeListLLM):
    """A completion model that does so too."""

    calls: int = 0

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[GenerationChunk]:
        self.calls += 1
        yield from (GenerationChunk(text="one "), GenerationChunk(text="two "))
        raise ConnectionError("cut")


def keeping(model: Any, after: Model | None = None) -> Callable[[Any], Any]:
    """A program that goes on, by the model ``after``, with what a stream has given."""

    def program(_: Any) -> Any:
        pieces: list[str] = []
        try:
            pieces += (text_of(piece) for piece in model.stream("q"))
        except ConnectionError as exc:
            pieces.append(str(exc))
        return (after or Model()).invoke("|".join(pieces)).text

    return program


def text_of(piece: Any) -> str:
    return piece if isinstance(piece, str) else str(piece.text)


def twice(durable: Durable, program: Callable[[Any], Any]) -> list[str]:
    """What a program says in an attempt that dies at its end, and in the next one."""
    said: list[str] = []

    def dying(given: Any) -> Any:
        said.append(program(given))
        if len(said) == 1:
            raise KeyboardInterrupt
        return said[-1]

    wrapped = durable.wrap(RunnableLambda(dying))
    with pytest.raises(KeyboardInterrupt):
        wrapped.invoke("a", durable.config("run"))
    wrapped.invoke("a", durable.config("run"))
    return said


@pytest.mark.parametrize("make", [HalfWay, lambda: HalfWayText(responses=[])])
def test_a_stream_that_failed_gives_its_pieces_again_before_its_error(
    make_durable: MakeDurable, make: Callable[[], Any]
) -> None:
    model, durable = make(), make_durable(drift="raise")

    assert twice(durable, keeping(model)) == ["<one |two |cut>"] * 2
    assert model.calls == 1


async def test_an_async_stream_that_failed_does_so_too(durable: Durable) -> None:
    model, said = HalfWay(), []
    for dies in (True, False):
        with contextlib.suppress(KeyboardInterrupt):
            async with durable.run("run"):
                text = ""
                with contextlib.suppress(ConnectionError):
                    async for piece in model.astream("q"):
                        text += f"{piece.text}|"
                said.append((await Model().ainvoke(text)).text)
                if dies:
                    raise KeyboardInterrupt

    assert said == ["<one |two |>"] * 2
    assert model.calls == 1


def test_a_stream_that_failed_takes_no_fallback_that_it_had_not_taken(
    make_durable: MakeDurable,
) -> None:
    """LangChain falls back only for a stream that fails before its first piece."""
    model, fallback = HalfWay(), Model()
    program = keeping(model.with_fallbacks([fallback]))

    assert twice(make_durable(drift="raise"), program) == ["<one |two |cut>"] * 2
    assert (model.calls, fallback.calls) == (1, 0)


def test_a_call_whose_pieces_the_journal_cannot_keep_is_made_again(
    make_durable: MakeDurable,
) -> None:
    model = HalfWay(last=AIMessageChunk(content="two " * 5000))
    counting = Model(answer=lambda messages: str(len(messages[-1].content)))

    said = twice(make_durable(max_value_bytes=10_000, drift="raise"), keeping(model, counting))

    assert said == ["20009"] * 2
    assert (model.calls, counting.calls) == (2, 1)


def test_a_stream_that_was_cut_gives_its_pieces_again(make_durable: MakeDurable) -> None:
    with ScriptedOpenAI([Rule(when="story", says="once upon a time"), Rule(says="on")]) as server:
        server.cut_stream("story", after=3)
        model = ChatOpenAI(base_url=server.url, api_key=SecretStr("k"), model="m", max_retries=0)

        def program(_: Any) -> str:
            text = ""
            with contextlib.suppress(StreamCut):
                for piece in model.stream("story"):
                    text += f"{piece.text}|"
            model.invoke(f"on after {text}")
            return text

        said = twice(make_durable(drift="raise"), program)
        assert len(server.requests()) == 2
    assert "once" in said[0]
    assert said[0] == said[1]
