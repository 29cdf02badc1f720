"""What langchain-durable costs, measured beside what it is compared with.

``python -m benchmarks`` from the repository's root; see ``benchmarks/README.md``.
"""
