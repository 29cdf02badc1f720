"""``python -m langchain_durable.cli``."""

from langchain_durable.cli.entry import main

if __name__ == "__main__":
    main()
