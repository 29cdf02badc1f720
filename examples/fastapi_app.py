"""A web service whose agent survives the service.

    pip install fastapi uvicorn
    python examples/fastapi_app.py          # with OPENAI_API_KEY
    python examples/fastapi_app.py --demo   # without: a scripted model on this machine

    curl -X PUT localhost:8000/questions/42 -H 'content-type: application/json' \
        -d '{"text": "Order 1042 has not come."}'

The client names the run. A client that lost its connection, for whatever reason, sends the
same request again: a finished run gives its answer at once, a broken one goes on. Another
question under the same number, or a second request while the first is at work, is a conflict.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from agent import look_up_order, refund, track_parcel
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from scripted import models

from langchain_durable import Durable, RunBusy, RunInputMismatch

durable = Durable()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await durable.aclose()


app = FastAPI(lifespan=lifespan)


@app.exception_handler(RunInputMismatch)
@app.exception_handler(RunBusy)
async def conflict(request: Request, exc: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(exc)}, status_code=409)


class Question(BaseModel):
    text: str


@app.put("/questions/{number}")
async def ask(number: str, question: Question) -> dict[str, str]:
    agent = create_agent(ChatOpenAI(model="gpt-5-mini"), [look_up_order, track_parcel, refund])
    agent = durable.wrap(agent, name="support")  # the one line
    result = await agent.ainvoke(
        {"messages": [{"role": "user", "content": question.text}]},
        durable.config(f"question-{number}"),
    )
    return {"answer": result["messages"][-1].text}


if __name__ == "__main__":
    with models():
        uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
