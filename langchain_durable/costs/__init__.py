"""What calls cost: tokens, price books, and totals from journals.

Spans are priced by ``costs.processor``, which imports the OpenTelemetry SDK; tokens are
estimated by ``costs.estimate``, which imports LangChain. Neither is imported here.
"""

from langchain_durable.costs.genai_prices import GenaiPrices
from langchain_durable.costs.ledger import Ledger
from langchain_durable.costs.price_book import Price, PriceBook, PriceFunction
from langchain_durable.costs.pricing import Pricing, Settled
from langchain_durable.costs.static import StaticPrices
from langchain_durable.costs.tokens import Tokens, is_cache_hit
from langchain_durable.costs.totals import Totals

__all__ = [
    "GenaiPrices",
    "Ledger",
    "Price",
    "PriceBook",
    "PriceFunction",
    "Pricing",
    "Settled",
    "StaticPrices",
    "Tokens",
    "Totals",
    "is_cache_hit",
]
