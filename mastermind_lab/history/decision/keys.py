"""What tells a decision of a table of votes apart: the columns that its id was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...decode import json_text
from ...spelling import one_spelling, plain_value

KEY = "decision."


def keys_of(decision: Mapping[str, Any]) -> dict[str, str]:
    """Find the columns that an id was made of, beside the question, and how their values are spelled.

    Other columns that say the same are among them.

    Examples
    --------
    >>> keys_of({"decision_id": '["tram","3"]', "question": "tram", "decision.wave": 3, "decision.n": 4})
    {'decision.wave': '3'}
    """
    made_of = _parts(decision.get("decision_id"))
    there = {
        name: _spelled(value)
        for name, value in decision.items()
        if name == "question" or name.startswith(KEY)
    }
    if not made_of <= {*there.values()}:
        return {}
    return {name: value for name, value in there.items() if value in made_of and name != "question"}


def _parts(decision_id: Any) -> set[str]:
    """Return the texts of which an id was made: of several keys it is their JSON."""
    if not isinstance(decision_id, str):
        return set()
    try:
        found = json.loads(decision_id) if decision_id.startswith("[") else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list) and len(found) > 1 and all(isinstance(one, str) for one in found):
        return set(found)
    return {decision_id}


def _spelled(value: Any) -> str:
    plain = plain_value(value)
    return plain if isinstance(plain, str) else json_text(one_spelling(plain))
