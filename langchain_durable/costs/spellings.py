"""One provider, one model, many spellings: OpenTelemetry's, LangChain's, LiteLLM's."""

from __future__ import annotations

from collections.abc import Iterator

_PROVIDERS = {
    "openai": "openai-chat openai-responses openai_responses text-completion-openai",
    "azure": "azure_openai azure-openai azureopenai azure.ai.openai azure.ai.inference "
    "az.ai.openai az.ai.inference azure_ai",
    "google": "google_genai google-genai google_vertexai vertex_ai vertexai gemini gcp.gemini "
    "gcp.gen_ai gcp.vertex_ai google_anthropic_vertex anthropic_vertex "
    "chat-google-generative-ai",
    "aws": "aws.bedrock bedrock amazon_bedrock bedrock_converse amazon_bedrock_converse "
    "anthropic_bedrock",
    "mistral": "mistralai mistral_ai",
    "x-ai": "x_ai xai",
    "fireworks": "fireworks_ai fireworks-ai",
    "together": "togetherai together_ai together-ai",
    "cohere": "cohere_chat",
    "moonshotai": "moonshot moonshot_ai",
}
_CANONICAL = {
    alias: provider for provider, aliases in _PROVIDERS.items() for alias in aliases.split()
}

LOCAL = frozenset(
    {"ollama", "llamacpp", "llama-cpp", "llama_cpp", "vllm", "hosted_vllm", "lm_studio", "mlx"}
)
"""Providers that are a program on one's own machine: nobody sends a bill."""

_FIREWORKS = "accounts/fireworks/models/"


def provider_of(name: str) -> str:
    """The provider's one name, whichever spelling came."""
    name = name.strip().lower()
    return _CANONICAL.get(name, name)


def model_spellings(model: str, provider: str) -> Iterator[str]:
    """The names under which a table may have the model, the likeliest first; lower case.

    ``provider`` is as :func:`provider_of` gives it.
    """
    model = model.strip().lower()
    yield model
    _, found, bare = model.rpartition("models/")
    if found:
        yield bare
    owner, slash, rest = model.partition("/")
    if slash and provider_of(owner) == provider:
        yield rest
    if provider == "fireworks" and not slash:
        yield _FIREWORKS + model
    if provider == "azure" and "gpt-35" in model:
        yield model.replace("gpt-35", "gpt-3.5")
