"""Values and events as bytes."""

from langchain_durable.codec.entries import decode_entry, encode_event
from langchain_durable.codec.values import Codec

__all__ = ["Codec", "decode_entry", "encode_event"]
