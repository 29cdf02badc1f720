"""Tools and retrievers: the provider methods ``_run`` and ``_get_relevant_documents``."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.tools import BaseTool, ToolException

from langchain_durable.intercept.perform import Ended, Form, perform
from langchain_durable.intercept.side_channels import SideEffects, recording
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.wrapping import Bound
from langchain_durable.recorder.current import entered
from langchain_durable.spans.retrievers import retriever_ended
from langchain_durable.spans.tools import tool_ended
from langchain_durable.waiting import Procedure


def tool_call(
    step: Step, original: Bound, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A tool's step: its value, and what it did besides in the node of a graph."""
    with recording(step, kwargs) as seen, entered(step.attempt, step.scope):
        form = _form(seen, original.args[0])
        return (yield from perform(step, form, lambda: original(*args, **kwargs)))


def _form(seen: SideEffects, tool: BaseTool) -> Form:
    def handles(exc: BaseException) -> bool:
        return isinstance(exc, ToolException) and bool(tool.handle_tool_error)

    return Form(
        pack=seen.pack,
        unpack=seen.unpack,
        fail_again=seen.fail_again,
        inputs=_arguments,
        handles=handles,
        ended=_tool_ended,
    )


def _tool_ended(value: Any) -> Ended:
    return None, tool_ended(value)


def _arguments(step: Step) -> Any:
    """The tool's arguments go into the journal as a payload, not with the attributes."""
    attributes = step.scope.attributes
    return attributes.pop("args", None) if attributes else None


def retriever_call(
    step: Step, original: Bound, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A retriever's step: its documents."""
    return perform(step, _DOCUMENTS, lambda: original(*args, **kwargs))


def _pack_documents(documents: list[Document]) -> dict[str, Any]:
    return {"v": [_plain(document) for document in documents]}


def _plain(document: Document) -> Document:
    """A document as its own class is: LangChain has private ones that carry a vector beside."""
    if type(document) is Document or not type(document).__module__.startswith("langchain"):
        return document
    return Document(page_content=document.page_content, metadata=document.metadata, id=document.id)


_DOCUMENTS = Form(
    pack=_pack_documents,
    unpack=lambda packed: packed["v"],
    ended=lambda documents: (None, retriever_ended(documents)),
)
