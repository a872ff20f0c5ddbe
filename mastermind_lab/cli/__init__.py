"""The command line: ``mastermind-lab``."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback while its libraries are still loaded, too.

    Raises
    ------
    SystemExit
        It was interrupted, or ends with another exit code than 0.
    """
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
