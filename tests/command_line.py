"""The command line, in this process: what a command that ends by itself prints, and its exit code.

Starting a program takes a second, and most of it is the same each time. What is about processes, signals,
pipes and terminals starts one.
"""

import io
import os
import sys
from contextlib import chdir
from subprocess import CompletedProcess
from unittest import mock

from mastermind_lab.cli import main

PROGRAM = [sys.executable, "-c", "from mastermind_lab.cli import main; main()"]


def environment(**variables):
    left_out = ("MASTERMIND_LAB_URL", "REDIS_URL", "PYTHONUNBUFFERED")  # what is printed may have to wait
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"COLUMNS": "160", "TERM": "dumb"} | variables


def run(*words, cwd=".", input="", **variables):
    given = io.TextIOWrapper(io.BytesIO(input.encode()), "utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    argv, code = ["mastermind-lab", *map(str, words)], 0
    with (
        mock.patch.multiple(sys, argv=argv, stdin=given, stdout=out, stderr=err),
        mock.patch.dict(os.environ, environment(**variables), clear=True),
        chdir(cwd),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out.flush(), err.flush()
    texts = (one.buffer.getvalue().decode() for one in (out, err))
    return CompletedProcess(argv, code, *texts)
