"""Test tools that ship with the package: a scripted model server, effects, kill points."""
