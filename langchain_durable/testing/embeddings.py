"""Embeddings that a test can foresee: texts with the same words are near each other."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct

from langchain_durable.testing.script import Prompt
from langchain_durable.testing.sse import Reply

DIMENSIONS = 64
"""Length of an embedding: few enough to be fast, enough to tell sentences apart."""


def write(prompt: Prompt, *, as_base64: bool) -> Reply:
    """Vectors that are near each other when the texts share words."""
    data = []
    for index, message in enumerate(prompt.messages):
        vector = embed(str(message["content"]))
        packed = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()
        value = packed if as_base64 else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    tokens = sum(len(str(message["content"]).split()) for message in prompt.messages)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "model": prompt.model, "data": data, "usage": usage}
    return Reply(body=json.dumps(body).encode())


def embed(text: str) -> list[float]:
    """A unit vector that counts the text's words, each word in a place of its own hash."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        place = hashlib.blake2b(word.encode(), digest_size=2).digest()
        vector[int.from_bytes(place, "big") % DIMENSIONS] += 1.0
    norm = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / norm for value in vector]
