"""Envelopes as JSON text."""

import json

CORE = {"recommendation": "ship", "confidence": 0.5}


def envelope(decision=None, **beside):
    """An envelope of what a decision needs and some more; ``beside`` stands beside the decision."""
    return json.dumps({"decision": CORE | (decision or {})} | beside)
