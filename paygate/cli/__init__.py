"""The command line: one file a command."""

from paygate.cli.app import app

__all__ = ["app"]
