"""Values and events as bytes."""

from langchain_durable.codec.entries import binding, decode_entry, encode_event, payload_reader
from langchain_durable.codec.values import Codec

__all__ = ["Codec", "binding", "decode_entry", "encode_event", "payload_reader"]
