"""Trying one change: in a fork of a process that has loaded all tests, or in one that loads them anew."""

from __future__ import annotations

import functools
import gc
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

OPTIONS = ["-n", "0", "-q", "-p", "no:cacheprovider", "-m", "not thorough"]
NO_END = "no end"
_PER_PROCESSOR = 4  # seconds that a trial may wait for each that it computes


class Session:
    """A run of pytest that collects all tests of a tree, and leaves to others what becomes of them."""

    def __init__(self, tree: Path, package: str, work: Callable[[Session], None]) -> None:
        self.tree, self._work = tree, work
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[str, list[FunctionType]] = {}
        self._caches: list[Any] = []
        self._log = 2
        os.chdir(tree)
        pytest.main([*OPTIONS, "-s", "tests", package], plugins=[self])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        for one in gc.get_objects():
            if isinstance(one, FunctionType):
                self.functions.setdefault(one.__code__.co_filename, []).append(one)
            elif isinstance(one, functools._lru_cache_wrapper) and str(self.tree) in _file(one):
                self._caches.append(one)
        self._work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._log, f"\nFAILED {report.nodeid}\n".encode())

    def passed(self, tests: list[str], log: int) -> bool:
        """Run some tests in this process, up to the first that fails."""
        self._log = log
        for cache in self._caches:
            cache.cache_clear()
        items = [self.items[test] for test in tests if test in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if item.session.testsfailed:
                return False
        return True


def _file(cached: Any) -> str:
    return getattr(getattr(cached.__wrapped__, "__code__", None), "co_filename", "")


def exchanged(functions: list[FunctionType], file: str, before: bytes, after: bytes) -> int:
    """Give functions the code that another version of their file has, and say how many have another one."""
    old, new = (list(_codes(compile(source, file, "exec"))) for source in (before, after))
    if [one.co_qualname for one in old] != [one.co_qualname for one in new]:
        return 0
    pairs = {(one.co_qualname, one.co_firstlineno): (one, other) for one, other in zip(old, new, strict=True)}
    count = 0
    for function in functions:
        code = function.__code__
        one, other = pairs.get((code.co_qualname, code.co_firstlineno), (code, code))
        if one != other and other.co_freevars == code.co_freevars:
            function.__code__ = other
            count += 1
    return count


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


class Trial:
    """Some tests of one change, made in a copy of the tree, and known to be over when asked.

    ``anew`` loads everything anew: what a module made when it was loaded is otherwise as it was.
    """

    def __init__(
        self, session: Session, copy: Path, file: Path, change: Any, tests: list[str], most: float,
        anew: bool = False,
    ) -> None:  # fmt: skip
        self.copy, self.change, self.tests, self.most, self.anew = copy, change, tests, most, anew
        self._session, self._end, self._log = session, time.monotonic() + most, copy.with_suffix(".log")
        self._changed = copy / file
        self._before = self._changed.read_bytes()
        self._after = change.made(self._before) if change else self._before
        self._changed.write_bytes(self._after)
        self._log.unlink(missing_ok=True)
        self._pid = os.fork()
        if not self._pid:
            self._try(str(session.tree / file))

    def _try(self, file: str) -> None:
        code = 3
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, [int(self.most / _PER_PROCESSOR)] * 2)
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(self.copy)
            os.environ |= {"PYTHONPATH": str(self.copy), "MPLBACKEND": "Agg"}
            functions = self._session.functions.get(file, [])
            if self.anew:
                run = [sys.executable, "-m", "pytest", *OPTIONS, "-x", *self.tests]
                code = subprocess.run(run, cwd=self.copy).returncode
            elif self._before != self._after and not exchanged(functions, file, self._before, self._after):
                code = 0
            else:
                code = not self._session.passed(self.tests, log)
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            traceback.print_exc()
        finally:
            os._exit(code)

    def verdict(self) -> str | None:
        """Say who noticed, "" if nobody did, None while it goes on."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid and time.monotonic() < self._end:
            return None
        self.end()
        if not pid:
            os.waitpid(self._pid, 0)
        self._changed.write_bytes(self._before)
        if not pid:
            return NO_END
        if (code := os.waitstatus_to_exitcode(status)) == 0:
            return ""
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return NO_END
        said = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        named = [line.split(" ", 1)[1] for line in said if line.startswith(("FAILED ", "ERROR "))]
        return named[0].split(" - ")[0] if named else "an end without a word"

    def end(self) -> None:
        """End it, and the servers and programs that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
