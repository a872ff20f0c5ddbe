"""Redis streams: publishing, reading page by page, following, and an account of every entry in between.

Other programs use the first six names: :data:`DEFAULT_STREAM_NAME`, :class:`DecisionEnvelope`,
:func:`decode_envelope`, :func:`follow_envelopes`, :func:`publish_envelope` and :func:`read_envelopes`.

Of Redis' commands only XADD (to publish), XRANGE, XREVRANGE, XREAD and XINFO are sent: no groups, no acks.
``$`` is never sent: it is resolved to a real id once, so that no entry between two reads is lost. Reading
happens on a connection of our own that does not decode, does not retry behind our back, and never blocks for
more than a second.
"""

from ..envelope import DEFAULT_STREAM_NAME, DecisionEnvelope, decode_envelope
from .beginning import added, counted_before, cursor_before
from .connection import address, is_of_one_stream
from .contract import follow_envelopes, publish_envelope, read_envelopes
from .cursor import Cursor, Gap
from .pages import Pages
from .publish import paced, publish_batches, publish_payloads
from .reader import PACE, StreamReader
from .target import Client
from .update import Behind, StreamUpdate

__all__ = [  # noqa: RUF022 - first the names that other programs use
    "DEFAULT_STREAM_NAME",
    "DecisionEnvelope",
    "decode_envelope",
    "follow_envelopes",
    "publish_envelope",
    "read_envelopes",
    "PACE",
    "Behind",
    "Client",
    "Cursor",
    "Gap",
    "Pages",
    "StreamReader",
    "StreamUpdate",
    "added",
    "address",
    "counted_before",
    "cursor_before",
    "is_of_one_stream",
    "paced",
    "publish_batches",
    "publish_payloads",
]
