"""Rebuild the sample data: ``python -m mastermind_lab.arena data``."""

from argparse import ArgumentParser

from .samples import write_sample

parser = ArgumentParser(
    "python -m mastermind_lab.arena",
    description="Write the sample history and its outcomes, and the sample table of votes and its answers.",
)
parser.add_argument("folder", help="where to write the four files")

if __name__ == "__main__":
    try:
        write_sample(parser.parse_args().folder)
    except OSError as error:
        parser.error(str(error))
