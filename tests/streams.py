"""Streams on a real server."""

from mastermind_lab.envelope import DEFAULT_STREAM_NAME


def publish(raw, entries, stream=DEFAULT_STREAM_NAME):
    """Add entries in one go: payloads, or pairs of an id and a payload."""
    with raw.pipeline(transaction=False) as pipe:
        for one in entries:
            entry_id, payload = one if isinstance(one, tuple) else ("*", one)
            pipe.xadd(stream, {"data": payload}, entry_id)
        pipe.execute()
