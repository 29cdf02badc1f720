"""Chains of the expression language: sequences, maps, batches, fallbacks, retries."""

from __future__ import annotations

from typing import Any

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel

from langchain_durable.testing.openai_server import Rule
from tests.programs.program import Mode, Program, Site


def _ask(site: Site, name: str, template: str, **options: Any) -> Runnable[Any, str]:
    prompt = ChatPromptTemplate.from_template(template)
    return prompt | site.model(name, **options) | StrOutputParser()


def _named(key: str) -> Runnable[Any, Any]:
    return RunnableLambda(lambda value: {key: value})


def _three(site: Site, name: str, **options: Any) -> Runnable[Any, str]:
    first = _ask(site, name, "Draft on {topic}", **options)
    second = _ask(site, name, "Improve: {text}", **options)
    third = _ask(site, name, "Translate: {text}", **options)
    return first | _named("text") | second | _named("text") | third


def _three_rules(name: str) -> tuple[Rule, ...]:
    return (
        Rule(model=name, when=r"Draft on (\w+)", says=r"a draft on \1"),
        Rule(model=name, when=r"Improve: (.*)", says=r"\1, improved"),
        Rule(model=name, when=r"Translate: (.*)", says=r"\1, en francais"),
    )


LCEL3 = Program(
    name="lcel3",
    build=lambda site: _three(site, "lcel3"),
    input={"topic": "bees"},
    answer="a draft on bees, improved, en francais",
    rules=_three_rules("lcel3"),
)

RESPONSES = Program(
    name="responses",
    build=lambda site: _three(site, "responses", use_responses_api=True),
    input={"topic": "bees"},
    answer="a draft on bees, improved, en francais",
    rules=_three_rules("responses"),
)


def _same_prompt(site: Site) -> Runnable[Any, str]:
    model = site.model("same") | StrOutputParser()

    def thrice(prompt: str) -> str:
        return " ".join(model.invoke(prompt) for _ in range(3))

    async def athrice(prompt: str) -> str:
        return " ".join([await model.ainvoke(prompt) for _ in range(3)])

    return RunnableLambda(thrice, afunc=athrice)


SAME_PROMPT = Program(
    name="same_prompt",
    build=_same_prompt,
    input="Roll.",
    answer="six six six",
    rules=(Rule(model="same", when=r"Roll", says="six"),),
)


def _parallel(site: Site) -> Runnable[Any, Any]:
    sides = RunnableParallel(
        good=_ask(site, "parallel", "Name a strength of {thing}"),
        bad=_ask(site, "parallel", "Name a weakness of {thing}"),
        price=_ask(site, "parallel", "Name the price of {thing}"),
    )
    return sides | _ask(site, "parallel", "Weigh {good}, {bad}, {price}")


PARALLEL = Program(
    name="parallel",
    build=_parallel,
    input={"thing": "tea"},
    answer="In the end: tea-strength, tea-weakness, tea-price",
    rules=(
        Rule(model="parallel", when=r"Weigh (.*)", says=r"In the end: \1"),
        Rule(model="parallel", when=r"Name (?:a|the) (\w+) of (\w+)", says=r"\2-\1"),
    ),
)


def _map(site: Site) -> Runnable[Any, str]:
    each = _ask(site, "map", "Colour of {thing}")

    def split(given: dict[str, list[str]]) -> list[dict[str, str]]:
        return [{"thing": thing} for thing in given["things"]]

    def join(colours: list[str]) -> str:
        return ", ".join(colours)

    return RunnableLambda(split) | each.map() | RunnableLambda(join)


MAP = Program(
    name="map",
    build=_map,
    input={"things": ["grass", "sky", "snow"]},
    answer="grass-ish, sky-ish, snow-ish",
    rules=(Rule(model="map", when=r"Colour of (\w+)", says=r"\1-ish"),),
)

BATCH = Program(
    name="batch",
    build=lambda site: _ask(site, "batch", "Double {n}") | _named("n") | _ask(
        site, "batch", "Triple {n}"
    ),
    input=[{"n": "one"}, {"n": "two"}, {"n": "one"}, {"n": "four"}],
    answer=["3x2xone", "3x2xtwo", "3x2xone", "3x2xfour"],
    rules=(
        Rule(model="batch", when=r"Double (\w+)", says=r"2x\1"),
        Rule(model="batch", when=r"Triple (\w+)", says=r"3x\1"),
    ),
    modes=(Mode.BATCH, Mode.ABATCH),
)  # fmt: skip


def _fallbacks(site: Site) -> Runnable[Any, str]:
    asked = _ask(site, "primary", "Greet {name}").with_fallbacks(
        [_ask(site, "fallback", "Greet {name}")]
    )
    return asked | _named("text") | _ask(site, "fallback", "Shout {text}")


FALLBACKS = Program(
    name="fallbacks",
    build=_fallbacks,
    input={"name": "Ada"},
    answer="HELLO ADA",
    rules=(
        Rule(model="primary", status=503, says="the primary is down"),
        Rule(model="fallback", when=r"Greet Ada", says="hello Ada"),
        Rule(model="fallback", when=r"Shout hello Ada", says="HELLO ADA"),
    ),
)


def _retry(site: Site) -> Runnable[Any, str]:
    asked = _ask(site, "retry", "Try {what}").with_retry(
        stop_after_attempt=3, wait_exponential_jitter=False
    )
    return asked | _named("text") | _ask(site, "retry", "Praise {text}")


RETRY = Program(
    name="retry",
    build=_retry,
    input={"what": "again"},
    answer="well done: it worked",
    rules=(
        Rule(model="retry", when=r"Try", status=503, times=1, says="not now"),
        Rule(model="retry", when=r"Try", says="it worked"),
        Rule(model="retry", when=r"Praise (.*)", says=r"well done: \1"),
    ),
    modes=(Mode.INVOKE, Mode.AINVOKE),  # LangChain does not retry streams
)


def _text_llm(site: Site) -> Runnable[Any, str]:
    llm = site.text_model("text")
    first = ChatPromptTemplate.from_template("Continue: {start}") | llm
    second = ChatPromptTemplate.from_template("End: {text}") | llm
    return first | _named("text") | second


TEXT_LLM = Program(
    name="text_llm",
    build=_text_llm,
    input={"start": "Once"},
    answer="Once upon a time. The end.",
    rules=(
        Rule(model="text", when=r"Continue: (\w+)", says=r"\1 upon a time."),
        Rule(model="text", when=r"End: (.*)", says=r"\1 The end."),
    ),
)

PROGRAMS = (
    LCEL3,
    RESPONSES,
    SAME_PROMPT,
    PARALLEL,
    MAP,
    BATCH,
    FALLBACKS,
    RETRY,
    TEXT_LLM,
)
