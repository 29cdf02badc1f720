"""Durability as a callback, for programs where only a config can be changed.

    python examples/callback.py         # with OPENAI_API_KEY
    python examples/callback.py --demo  # without: a scripted model on this machine

A callback cannot answer in the program's place: the chain's own code runs in every attempt,
and each model call that had finished is answered from the journal.
"""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from scripted import models

from langchain_durable import Durable, DurableCallbackHandler


def main() -> None:
    model = ChatOpenAI(model="gpt-5-mini")
    outline = ChatPromptTemplate.from_template("Outline a talk on {topic}.") | model
    write = ChatPromptTemplate.from_template("Write the talk: {outline}") | model
    text = StrOutputParser()
    chain = {"outline": outline | text} | write | text

    with Durable() as durable:
        handler = DurableCallbackHandler(durable, run_id="talk-on-ants")  # the one line
        print(chain.invoke({"topic": "ants"}, {"callbacks": [handler]}))


if __name__ == "__main__":
    with models():
        main()
