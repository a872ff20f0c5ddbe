"""What the panels voted for: the share of each choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from ..errors import OptionError
from .bootstrap import REPLICATES, Floats
from .estimate import shares
from .input import By, Data, frame_of, keys_of, names_of, unknown
from .summary import Summary, counted, kept, relabelled, sizes_of
from .sums import Sums, grouped


@dataclass(frozen=True, eq=False)
class Votes(Summary):
    """The share of each choice among the votes cast, unweighted and weighted, by group.

    A panel is one observation: the intervals draw whole decisions, with all their votes.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.stats.Votes.of(lab.sample(), by="voter").table().columns[0]
    'voter'
    """

    panels: Sums
    choices: Sums

    @classmethod
    def of(cls, data: Data, *, by: By = None, replicates: int = REPLICATES) -> Self:
        """Count a batch of votes.

        Parameters
        ----------
        data
            A history or its ``votes`` frame.
        by
            Column or columns to group by, of ``votes`` or, when a history is given, of ``decisions``. Where
            both have the name it is that of ``votes``.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, or a weight negative or infinite.
        """
        names = names_of(by, taken=("choice",))
        frame = frame_of(data, "votes", ("stream_id", "choice"))
        keys, weights = _keys(data, frame, names), _weights(frame)
        first = ~keys.assign(stream_id=frame["stream_id"]).duplicated()
        votes = {"votes": np.ones(len(frame)), "weight": weights}
        panels = Sums.of(keys, {"decisions": first.to_numpy()})
        choices = Sums.of(keys.assign(choice=frame["choice"]), votes, frame["stream_id"], replicates)
        return cls(names, panels, choices)

    def table(self) -> pd.DataFrame:
        """Return one row for each group and choice, the most voted first within each group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``choice``; ``n`` votes for it; ``decisions`` of the group, the observations
            behind the intervals; ``share`` of the group's votes, 0 to 1, with ``low`` and ``high`` (95%
            interval); ``weighted_share`` of the group's total weight with ``weighted_low`` and
            ``weighted_high``. Intervals are NaN where there are fewer than 2 decisions.
        """
        _, group = grouped(self.choices.keys[list(self.by)])
        decisions = self.panels["decisions"][group, 0]
        cast = self.choices.along(self.by)
        share, low, high = shares(self.choices["votes"], cast["votes"][group], decisions)
        weighted = shares(self.choices["weight"], cast["weight"][group], decisions)
        n = self.choices["votes"][:, 0]
        table = self.choices.keys.assign(
            n=counted(n),
            decisions=counted(decisions),
            share=share,
            low=low,
            high=high,
            weighted_share=weighted[0],
            weighted_low=weighted[1],
            weighted_high=weighted[2],
        )
        return table.iloc[np.lexsort((-n, group))].reset_index(drop=True)

    def fold(self, most: int = 8, choices: int = 12) -> Self:
        """Fold the groups as every summary does, and the choices too: the most voted first, then the rest.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more.
        choices
            Choices to have at most, 2 or more; the last then is "other (k more)".
        """
        folded = super().fold(most)
        sizes = sizes_of(self.choices, ("choice",)).sort_values(ascending=False, kind="stable")
        labels = kept(sizes, choices)
        return replace(folded, choices=relabelled(folded.choices, ("choice",), "choice", labels))


def _keys(data: Data, votes: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Find each column among the votes' own, else among the decisions'."""
    joined = [name for name in by if name not in votes.columns]
    if isinstance(data, pd.DataFrame) or not joined:
        return keys_of(votes, by)
    decisions = frame_of(data, "decisions", ("stream_id",)).drop_duplicates("stream_id")
    for name in joined:
        if len(decisions) and name not in decisions.columns:
            raise unknown(name, dict.fromkeys([*votes.columns, *decisions.columns]))
    found = decisions.set_index("stream_id").reindex(columns=joined).reindex(votes["stream_id"])
    return pd.concat([votes, found.set_index(votes.index)], axis=1)[list(by)]


def _weights(votes: pd.DataFrame) -> Floats:
    """Return the votes' weights; a missing one is 1, as on the wire."""
    if "weight" not in votes.columns:
        return np.ones(len(votes))
    weights = votes["weight"].to_numpy(dtype=np.float64, na_value=1.0)
    weights = np.where(np.isnan(weights), 1.0, weights)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise OptionError("weight must be finite and not negative")
    return weights
