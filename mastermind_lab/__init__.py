"""Study how panels of AI agents decide."""

__version__ = "0.1.0"
