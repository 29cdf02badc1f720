"""The demo's story as data: the customer's question, the shop's facts, the model's lines."""

from __future__ import annotations

from langchain_durable.testing.script import Rule, ToolCall

RUN_ID = "order-1042"

MODEL = "gpt-demo"

QUESTION = "Order 1042 has not arrived. What can you do for me?"

ANSWER = (
    "Your parcel was lost and the grinder is sold out, so I refunded 89.00 EUR: receipt R-1042."
)
"""What the agent says, however often it is killed: it is made of what the tools gave."""

SYSTEM = "You answer the customers of a coffee shop."

HANDBOOK = (
    "Lost parcel: send a new one from stock, or refund the full price at once.",
    "Opened coffee: cannot be returned, except when it is stale.",
    "Opening hours: Monday to Saturday, nine to six.",
    "Grinders: two years of warranty, repaired by the maker.",
)

CALLS = (
    ("model", MODEL),
    ("tool", "search_handbook"),
    ("retriever", "handbook"),
    ("tool", "look_up_order"),
    ("model", MODEL),
    ("tool", "track_parcel"),
    ("tool", "check_stock"),
    ("model", MODEL),
    ("tool", "refund"),
    ("model", MODEL),
)
"""All calls of an undisturbed run, by kind and name; the demo can be killed in each."""

MODEL_SECONDS = 0.35
TOOL_SECONDS = 0.25

_SAYS = r"Your parcel was lost and the grinder is sold out, so I refunded \1 EUR: receipt \2."

RULES = (
    Rule(
        role="user",
        when=r"[Oo]rder (\d+)",
        calls=(
            ToolCall(name="search_handbook", args={"query": "lost parcel"}),
            ToolCall(name="look_up_order", args={"number": r"\1"}),
        ),
        delay=MODEL_SECONDS,
    ),
    Rule(
        role="tool",
        when=r"coffee grinder.*tracking (\S+)",
        calls=(
            ToolCall(name="track_parcel", args={"tracking": r"\1"}),
            ToolCall(name="check_stock", args={"item": "coffee grinder"}),
        ),
        delay=MODEL_SECONDS,
    ),
    Rule(
        role="tool",
        when="sold out",
        calls=(ToolCall(name="refund", args={"order": "1042", "amount": "89.00"}),),
        delay=MODEL_SECONDS,
    ),
    Rule(role="tool", when=r"refunded (\S+) EUR.*receipt (\S+)", says=_SAYS, delay=MODEL_SECONDS),
)
