"""Plain Python around model calls: a loop, a clock, a random number, an effect.

    python examples/plain_python.py         # with OPENAI_API_KEY
    python examples/plain_python.py --demo  # without: a scripted model on this machine

The block's code runs in every attempt. Model calls in it that had finished are answered from
the journal; what else must not change or happen twice is recorded by `durable.step`.
"""

from langchain_openai import ChatOpenAI
from scripted import models

from langchain_durable import Durable

MAIL = ("My parcel is late again!", "Thank you, all is well.", "You are late, as ever.")


def send(number: str, text: str) -> str:
    print(f"* sending {number}: {text}", flush=True)
    return number


def main() -> None:
    model = ChatOpenAI(model="gpt-5-mini")
    with Durable() as durable:
        with durable.run("mail-of-monday", input=MAIL) as run:  # the one line
            number = f"batch-{durable.uuid().hex[:8]}"  # the same in every attempt
            sent = []
            for place, mail in enumerate(MAIL):
                if model.invoke(f"Is this a complaint? {mail}").text.lower().startswith("yes"):
                    answer = model.invoke(f"Answer this complaint: {mail}").text
                    sent.append(durable.step(send, f"{number}-{place}", answer))
        print(f"{len(sent)} answers sent; {run.replayed} steps came from the journal")


if __name__ == "__main__":
    with models():
        main()
