"""Which of many parameters are tried each time; the long run tries them all."""

import pytest


def telling(cases, *few):
    """The cases, of which all but a few are left to the long run; named, as few are, by their keys.

    A tuple is a value for each of several parameters.
    """
    named = cases if isinstance(cases, dict) else {str(one): one for one in cases}
    assert {*few} <= named.keys()
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else [value]),
            id=name,
            marks=[] if name in few else pytest.mark.further,
        )
        for name, value in named.items()
    ]
