"""A chain of three model calls.

    python examples/chain.py            # with OPENAI_API_KEY
    python examples/chain.py --demo     # without: a scripted model on this machine

Kill it in the middle and start it again: what had finished is not asked again. Start it once
more: the run is complete, and its answer comes from the journal.
"""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from scripted import models

from langchain_durable import Durable


def main() -> None:
    model = ChatOpenAI(model="gpt-5-mini")
    outline = ChatPromptTemplate.from_template("Outline a talk on {topic}.") | model
    write = ChatPromptTemplate.from_template("Write the talk: {outline}") | model
    title = ChatPromptTemplate.from_template("Give a title to: {talk}") | model
    text = StrOutputParser()
    chain = {"outline": outline | text} | write | {"talk": text} | title | text

    with Durable() as durable:
        chain = durable.wrap(chain)  # the one line
        print(chain.invoke({"topic": "bees"}, durable.config("talk-on-bees")))


if __name__ == "__main__":
    with models():
        main()
