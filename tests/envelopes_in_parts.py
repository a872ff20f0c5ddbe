"""An archive of many small parts, as a quiet stream makes them."""

import json

import pyarrow as pa

import mastermind_lab as lab
from mastermind_lab import snapshot

BEGAN, STEP = 1795392000000, 40 * 60_000  # 2026-11-23; a day has 36 parts
ENTRIES = 5
VOTES = [{"voter": voter, "choice": "x"} for voter in "ab"]


def stream_id(part, entry=0):
    return f"{BEGAN + part * STEP + entry}-0"


def add(folder, parts, text="ship"):
    """Commit parts as an archiver does; the last entry of each is a reject."""
    valid = {"decision": {"recommendation": text, "confidence": 0.5, "votes": VOTES}}
    base = lab.read([json.dumps(valid)] * (ENTRIES - 1) + ["broken"]).tables()
    for part in parts:
        rows = {}
        for name, table in base.items():
            ids = [stream_id(part, int(one.partition("-")[2]) - 1) for one in table["stream_id"].to_pylist()]
            rows[name] = table.set_column(0, table.schema.field(0), pa.array(ids, pa.large_string()))
        at = rows["decisions"].column_names.index("streamed_at")
        field = rows["decisions"].schema.field(at)
        times = [(BEGAN + part * STEP + entry) * 1_000 for entry in range(ENTRIES - 1)]
        rows["decisions"] = rows["decisions"].set_column(at, field, pa.array(times).cast(field.type))
        account = {
            "source": "redis://here", "stream": "s", "first_id": stream_id(part),
            "last_id": stream_id(part, ENTRIES - 1), "entries": ENTRIES, "repeated": 0, "missing": 0,
            "certainty": "exact", "left_out": 0, "limits": "",
        }  # fmt: skip
        after = stream_id(part - 1, ENTRIES - 1) if part else ""
        snapshot.commit(folder, rows, {"stream": "s", "source": "", "after": after, "coverage": [account]})
    return folder
