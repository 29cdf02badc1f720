"""The names: those that the SDK's own table knows are spelled as it spells them."""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from langchain_durable import semconv
from langchain_durable.semconv import Instrument, Metric, Profile

_NEWER = {
    semconv.USAGE_CACHE_WRITE,
    semconv.USAGE_TEXT_INPUT,
    semconv.USAGE_IMAGE_INPUT,
    semconv.USAGE_AUDIO_INPUT,
    semconv.USAGE_TEXT_OUTPUT,
    semconv.USAGE_IMAGE_OUTPUT,
    semconv.USAGE_AUDIO_OUTPUT,
    semconv.TOKEN_MODALITY,
    semconv.COST_AMOUNT,
    semconv.COST_CURRENCY,
    semconv.COST_SOURCE,
}
"""Names of the conventions' own repository, which the deprecated table lacks."""


def test_every_attribute_of_the_convention_is_one_of_its_names() -> None:
    known = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    ours = {
        value
        for value in vars(semconv).values()
        if isinstance(value, str) and value.startswith("gen_ai.")
    }
    assert ours - known - {semconv.INFERENCE_DETAILS} == _NEWER


def test_the_current_profile_has_the_names_of_the_sdks_table() -> None:
    current = Profile.CURRENT
    assert [
        semconv.INFERENCE_DURATION[current].name,
        semconv.TIME_TO_FIRST_CHUNK[current].name,
        semconv.TIME_PER_OUTPUT_CHUNK[current].name,
        semconv.TOKEN_USAGE.name,
    ] == [
        gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION,
        gen_ai_metrics.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK,
        gen_ai_metrics.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK,
        gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE,
    ]


def test_buckets_are_the_conventions() -> None:
    assert semconv.OPERATION_DURATION.buckets == (
        *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12),
        *(10.24, 20.48, 40.96, 81.92),
    )
    assert semconv.INVOKE_AGENT_DURATION.buckets[:3] == (0.1, 0.2, 0.4)
    assert semconv.INVOKE_AGENT_DURATION.buckets[-1] == 409.6
    assert semconv.TOKEN_USAGE.buckets[-1] == 67_108_864


def test_both_profiles_name_every_metric_of_inference_differently() -> None:
    for table in (
        semconv.INFERENCE_DURATION,
        semconv.TIME_TO_FIRST_CHUNK,
        semconv.TIME_PER_OUTPUT_CHUNK,
    ):
        assert set(table) == set(Profile)
        assert table[Profile.NEXT].name.startswith("gen_ai.client.inference.")
        assert table[Profile.NEXT].buckets == table[Profile.CURRENT].buckets


def test_every_metric_has_a_unit_a_description_and_buckets_if_it_is_a_histogram() -> None:
    metrics = [value for value in vars(semconv).values() if isinstance(value, Metric)]
    assert len(metrics) > 15
    for metric in (*metrics, *semconv.USAGE_COUNTERS.values()):
        assert metric.unit
        assert metric.description
        assert bool(metric.buckets) is (metric.instrument is Instrument.HISTOGRAM)
