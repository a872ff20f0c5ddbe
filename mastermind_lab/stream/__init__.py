"""The only Redis: publish, page, follow, and what is known of the entries in between.

Of Redis' commands only XADD (to publish), XRANGE, XREVRANGE, XREAD and XINFO are sent: no groups, no acks.
``$`` is never sent: it is resolved to a real id once, so that no entry between two reads is lost. Reading
happens on a connection of our own that does not decode, does not retry behind our back, and never blocks for
more than a second.
"""

from .connection import Client, address
from .contract import follow_envelopes, publish_envelope, read_envelopes
from .cursor import Cursor, Gap
from .pages import Pages
from .publish import publish_batches, publish_payloads
from .reader import StreamReader, StreamUpdate

__all__ = [
    "Client",
    "Cursor",
    "Gap",
    "Pages",
    "StreamReader",
    "StreamUpdate",
    "address",
    "follow_envelopes",
    "publish_batches",
    "publish_envelope",
    "publish_payloads",
    "read_envelopes",
]
