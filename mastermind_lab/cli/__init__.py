"""The command line: ``mastermind-lab``."""

from .app import main

__all__ = ["main"]
