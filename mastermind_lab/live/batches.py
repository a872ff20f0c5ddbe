"""A follower's batches for asyncio code: handed over from its thread, a few at a time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from ..history import History

_MOST_AHEAD = 4  # batches that wait to be taken

Listener = Callable[[History], object]


async def batches(
    listen: Callable[[Listener], tuple[History, Callable[[], None]]],
    is_alive: Callable[[], bool],
    is_wanted: Callable[[], bool],
) -> AsyncIterator[History]:
    """Yield what has come so far, then batches as they come, until it no longer goes on.

    Parameters
    ----------
    listen
        Has each batch given to a function, in another thread; returns what came before, and what ends that.
    is_alive
        Says whether more may come.
    is_wanted
        Says whether that thread may wait; else it has been asked to end.
    """
    loop, wake, waiting = asyncio.get_running_loop(), asyncio.Event(), deque[History]()

    def hand_over(batch: History) -> None:
        waiting.append(batch)
        loop.call_soon_threadsafe(wake.set)
        # A slow reader holds up the following, not the loop: what comes meanwhile waits on the stream.
        while len(waiting) >= _MOST_AHEAD and is_wanted():
            time.sleep(0.02)

    kept, leave = listen(hand_over)
    try:
        if len(kept) or len(kept.rejects):
            yield kept
        while is_alive() or waiting:  # in this order: what came last came before it ended
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), 0.5)
            wake.clear()
            while waiting:
                yield waiting.popleft()
    finally:
        waiting.clear()
        leave()
