"""How a test's own interpreter is started, so that warnings are errors there too."""

STRICT = (
    "-W",
    "error",
    # LangChain's, on Python 3.14.
    "-W",
    "ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning",
)
