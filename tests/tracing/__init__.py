"""Spans of programs that run."""
