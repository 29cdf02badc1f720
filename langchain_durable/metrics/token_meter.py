"""Where the tokens of a call are counted."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from langchain_durable import semconv
from langchain_durable.events import Usage
from langchain_durable.metrics.instruments import counter, histogram
from langchain_durable.metrics.tally import Labels, Tally
from langchain_durable.metrics.token_counts import by_modality, token_counts
from langchain_durable.semconv import Profile

_TYPES = {semconv.USAGE_INPUT_TOKENS: "input", semconv.USAGE_OUTPUT_TOKENS: "output"}
"""``gen_ai.token.type`` of the two counts that the current profile has."""


class TokenMeter:
    """One histogram by type in the current profile; in the next one two, and counters."""

    def __init__(self, meter: Meter, profile: Profile, tally: Tally) -> None:
        self._tally = tally
        if profile is Profile.CURRENT:
            both = histogram(meter, semconv.TOKEN_USAGE)
            self._by_type = dict.fromkeys(_TYPES, both)
            self._whole = {}
            self._counters = {}
            return
        self._by_type = {}
        self._whole = {
            semconv.USAGE_INPUT_TOKENS: histogram(meter, semconv.OPERATION_INPUT_TOKENS),
            semconv.USAGE_OUTPUT_TOKENS: histogram(meter, semconv.OPERATION_OUTPUT_TOKENS),
        }
        self._counters = {
            attribute: counter(meter, metric)
            for attribute, metric in semconv.USAGE_COUNTERS.items()
        }

    def record(self, usage: Usage, labels: Labels, context: Context | None) -> None:
        """Count the tokens of one call."""
        counts = token_counts(usage)
        for attribute, by_type in self._by_type.items():
            if attribute in counts:
                typed = {**labels, semconv.TOKEN_TYPE: _TYPES[attribute]}
                by_type.record(counts[attribute], typed, context)
        for attribute, whole in self._whole.items():
            if attribute in counts:
                whole.record(counts[attribute], labels, context)
        for attribute, total in self._counters.items():
            if attribute in counts:
                for modality, part in by_modality(counts, attribute):
                    sorted_out = {**labels, semconv.TOKEN_MODALITY: modality}
                    self._tally.add(total, part, sorted_out, context)
