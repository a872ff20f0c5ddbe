"""The command line once more: ``python -m mastermind_lab``."""

from .cli import main

if __name__ == "__main__":
    main()
