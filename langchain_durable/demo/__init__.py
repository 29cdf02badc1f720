"""The demo: a real agent, killed in the middle of its work and started again, and what was seen.

``play`` is the whole of it, without a word printed; the command line tells the story.
"""

from langchain_durable.demo.play import Audience, Options, play
from langchain_durable.demo.report import Report

__all__ = ["Audience", "Options", "Report", "play"]
