"""What the panels rest on: the most used sources, their concentration, and how far decisions share them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from ..errors import OptionError
from .engine.bootstrap import REPLICATES, Floats, draws, hashes
from .engine.bottom_k import UNIT, BottomK
from .engine.concentration import concentration, overlap
from .engine.distinct import Distinct
from .engine.estimate import SMALL_N, Estimate
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of
from .engine.intervals import NONE, Figure, with_ends
from .engine.most_used import MostUsed
from .engine.options import check_whole
from .engine.summary import Summary, counted, over_batches, overall, without_clusters
from .engine.sums import GroupedSums, grouped, places
from .engine.units import Units

COMPARED = 1_000
"""Decisions of each group that are compared with each other."""

COUNTED = 10_000
"""Different sources of each group that are counted one by one."""


@dataclass(frozen=True, eq=False, repr=False)
class Citations(Summary):
    """How many sources the decisions rest on, how concentrated these are, and how far they are shared.

    A source counts once for a decision, however often it is cited there. Sources are compared as they are
    written: two spellings of one address are two sources.

    Concentration is the index of Hirschman (1964) and Herfindahl, the sum of the squared shares of the
    sources among all citations (Rhoades 1993): 1 / sources if all are used alike, 1 if there is but one. It
    is too high by about 1 / citations where citations are few: of 5 decisions with two each its interval lay
    wholly above the truth in a third of a simulation. The interval is that of the infinitesimal jackknife
    over decisions (Efron 1982), too narrow where all sources are used alike.

    The overlap of two decisions is the number of sources of both by that of either (Jaccard 1901), 0 to 1;
    stated is its mean over all pairs of decisions with a source. Where a group has more than 1,000 of those,
    it is the mean over the pairs of 1,000, a uniform sample drawn by a hash of their ids, and its interval
    allows for that. Of few decisions it is too long: nearly all held the truth for 5 and 30.

    Up to 10,000 different sources of a group each is counted, and all is exact. Where there are more, the
    most used are kept, as Misra and Gries (1982) and Agarwal et al. (2013) do: which these are may depend on
    how the decisions were split, but no count is too high, and none too low by more than ``uncounted``, at
    most 1 in 10,001 of all citations. The index is then too low by at most ``2 * uncounted / citations``,
    which its interval takes in, and unknown where no source is cited more often than a count may lack; the
    number of different ``sources`` is an estimate, right to about 2%.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.Citations.of(lab.sample())
    >>> summary.single.n
    1956
    >>> summary.sources(most=3).columns[:2].tolist()
    ['source', 'n']
    """

    panels: GroupedSums
    cited: MostUsed
    different: GroupedSums
    compared: BottomK
    replicates: int

    @staticmethod
    def decisions(data: Data) -> pd.DataFrame:
        """Return one row a decision: how many sources it rests on.

        Parameters
        ----------
        data
            A history, or a ``citations`` frame (decisions without any are then unknown).

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``citations``; different ``sources``; ``single``,
            whether they are one, <NA> without any.
        """
        frame = frame_of(data, "citations", ("stream_id", "source"))
        cited = frame.dropna(subset="source").groupby("stream_id", sort=False)["source"]
        table = pd.DataFrame({"citations": cited.size(), "sources": cited.nunique()}, dtype="Int64")
        if not isinstance(data, pd.DataFrame):
            ids = frame_of(data, "decisions", ("stream_id",))["stream_id"]
            table = table.reindex(pd.Index(ids, name="stream_id")).fillna(0)
        single = (table["sources"] == 1).astype("boolean").where(table["sources"] > 0)
        return table.assign(single=single).reset_index()

    @classmethod
    @over_batches
    def of(cls, data: Data, *, by: By = None, cluster: By = None, replicates: int = REPLICATES) -> Self:
        """Count a batch of decisions and their citations.

        Parameters
        ----------
        data
            A history, or a ``citations`` frame (then without ``by``).
        by
            Column or columns of ``decisions`` to group by.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or ``by`` is given with a bare frame.
        """
        names = names_of(by, taken=("source", "cluster", UNIT))
        if names and isinstance(data, pd.DataFrame):
            raise OptionError(
                "by needs a history here: a citations frame does not know the decisions' columns"
            )
        rows = cls.decisions(data)
        keys = rows[[]] if isinstance(data, pd.DataFrame) else keys_of(frame_of(data, "decisions", ()), names)
        units = Units.of(data, cluster)
        panels = GroupedSums.of(keys, _quantities(rows), units.at(rows["stream_id"]), replicates)
        pairs = _pairs(data)
        groups = _joined(keys, rows["stream_id"], pairs["stream_id"])
        ones, sources = {"n": np.ones(len(pairs))}, pairs["source"].astype(TEXT)
        cited = MostUsed.from_rows(groups, sources.rename("source"), COUNTED)
        ids, hashed = pairs["stream_id"], hashes(sources)
        different = replace(GroupedSums.of(groups, ones), drawn=Distinct.of(grouped(groups)[1], hashed))
        details = {"cluster": units.at(ids).hashed, "source": hashed}
        compared = BottomK.from_rows(groups, units.decisions(ids), details, ones, COMPARED)
        return cls(names, panels, cited, different, compared, replicates, cluster=units.names)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the figures; also how much a count may lack where there are many sources."""
        most = int(self.cited.lacking(self.panels.keys).max(initial=0))
        said = [f"more than {self.cited.most:,} sources: a count may lack {most:,}"] if most else []
        return (*super().notes, *said)

    @property
    def single(self) -> Estimate:
        """The share of decisions with sources that rest on a single one, 0 to 1."""
        return overall(self.intervals.shares, self.panels, "single", "cited")

    @property
    def concentration(self) -> Estimate:
        """The Hirschman-Herfindahl index of all citations, 0 to 1; n is the decisions with sources."""
        return self._whole("hhi")

    @property
    def overlap(self) -> Estimate:
        """The mean Jaccard overlap of two decisions' sources, 0 to 1; n is the decisions compared.

        Its interval is too wide where few decisions are compared: in a simulation it held the truth in all
        samples of 5 and of 30.
        """
        return self._whole("overlap", "compared")

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions; ``cited``, those with a source; ``citations``, pairs of a
            decision and a source; different ``sources``; ``uncounted``, how many more decisions than counted
            may cite any one of them, 0 up to 10,000 sources; ``hhi`` with ``hhi_low`` and ``hhi_high``;
            ``effective``, 1 / hhi: as many sources, used alike, were as concentrated (Adelman 1969);
            ``single``, the share of cited decisions that rest on one source, with ``single_low`` and
            ``single_high``; mean ``overlap`` of two decisions, 0 to 1, with ``overlap_low`` and
            ``overlap_high``; ``compared``, the decisions this comes from, at most 1,000. ``small_n`` marks
            rows of fewer than 10 decisions with sources. Intervals are 95%, and NaN where there are fewer
            than 2 decisions with sources.
        """
        sums = self.panels
        cited = sums["cited"][:, 0]
        (sources, compared, hhi, shared), independent = self._spread(cited), sums.independent(cited)
        uncounted = self.cited.lacking(sums.keys)
        return sums.keys.assign(
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            cited=counted(cited),
            citations=counted(sums["sources"][:, 0]),
            sources=counted(sources),
            uncounted=counted(uncounted),
            **with_ends(hhi=hhi),
            effective=1 / hhi.value,
            **with_ends(single=self.intervals.shares(sums["single"], sums["cited"], independent)),
            **with_ends(overlap=shared),
            compared=counted(compared),
            small_n=independent < SMALL_N,
        )

    def sources(self, most: int = 20) -> pd.DataFrame:
        """Return the most used sources: one row for each group and source, the most used of all first.

        Parameters
        ----------
        most
            Sources at most, the same for every group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``source``; ``n`` decisions that cite it; ``uncounted``, how many more may, 0
            up to 10,000 different sources of the group; ``share``, n of the group's decisions with a source,
            0 to 1, with ``share_low`` and ``share_high`` (95% score interval, Wilson 1927;
            NaN below 2, and where clusters are drawn, which it knows nothing of); ``small_n``, whether these
            are fewer than 10.

        Raises
        ------
        OptionError
            If ``most`` is no whole number from 0.
        """
        check_whole("most", most, 0)
        used, cited = self.cited.rekey(self.cited.keys[["source"]]).values(), self.cited.values()
        first = used.keys["source"].iloc[np.argsort(-used["n"][:, 0], kind="stable")[:most]]
        rank = pd.Series(np.arange(len(first)), index=first).reindex(cited.keys["source"]).to_numpy()
        group = places(cited.keys, self.panels.keys)
        n, whole = cited["n"][:, 0], self.panels["cited"][group, 0]
        share = without_clusters(self.intervals.binomial(n, whole), self.cluster)
        table: pd.DataFrame = cited.keys.assign(
            n=counted(n),
            uncounted=counted(self.cited.lacking(self.panels.keys)[group]),
            **with_ends(share=share),
            small_n=whole < SMALL_N,
        )
        order = np.lexsort((rank, group))
        return table.take(order[~np.isnan(rank[order])]).reset_index(drop=True)

    def uses(self) -> pd.DataFrame:
        """Return how many sources are used how often, over all groups: one row for each number of uses.

        Returns
        -------
        DataFrame
            ``n`` decisions that cite a source, ascending; ``sources`` that so many cite.
        """
        n, sources = np.unique(self.cited.marginalize(("source",))["n"][:, 0], return_counts=True)
        return pd.DataFrame({"n": counted(n), "sources": counted(sources.astype(np.float64))})

    def _whole(self, figure: str, n: str = "cited") -> Estimate:
        """Read one figure off the table of everything."""
        kept = {"panels": (), "cited": ("source",), "different": (), "compared": (UNIT, "cluster", "source")}
        sums = {name: getattr(self, name).marginalize(keys) for name, keys in kept.items()}
        table = replace(self, by=(), **sums).table()
        ends = (table[figure + end].to_numpy() for end in ("", "_low", "_high", "_method"))
        return Figure(*ends).estimate(table[n].to_numpy())

    def _spread(self, cited: Floats) -> tuple[Floats, Floats, Figure, Figure]:
        """Count sources and compared decisions, measure concentration and overlap, in each group.

        Parameters
        ----------
        cited
            Its decisions with sources.
        """
        counts = np.zeros((2, len(cited)))
        hhi, shared = ([Figure.single(np.nan, np.nan, np.nan, NONE)] * len(cited) for _ in range(2))
        kept, uncounted, all_uses = (
            self.cited.values(),
            self.cited.lacking(self.panels.keys),
            self.panels["sources"][:, 0],
        )
        all_of, sample_of = (places(sums.keys, self.panels.keys) for sums in (kept, self.compared))
        used = pd.Series(kept["n"][:, 0], index=hashes(kept.keys["source"]))
        for group in np.flatnonzero(cited):
            share = used[all_of == group] / all_uses[group]
            sample = self.compared.keys[sample_of == group]
            unit, units = pd.factorize(sample[UNIT].to_numpy(dtype=np.uint64))
            own = share.reindex(sample["source"]).fillna(0.0)
            held = np.bincount(unit, own.to_numpy()).astype(np.float64)
            sizes = np.bincount(unit).astype(np.float64)
            first = np.unique(unit, return_index=True)[1]
            cluster, keys = pd.factorize(sample["cluster"].to_numpy(dtype=np.uint64)[first])
            weights = draws(keys, self.replicates)[cluster]
            if len(share):  # else no source is cited more often than a count may lack
                index = concentration(share.to_numpy(), held, sizes, cited[group], cluster)
                lacking = 2 * uncounted[group] / all_uses[group]
                hhi[group] = index._replace(high=(index.high + lacking).clip(max=1))
            shared[group] = overlap(self.intervals, unit, pd.factorize(sample["source"])[0], weights, cluster)
            counts[:, group] = len(share), len(units)
        many = uncounted > 0
        counts[0, many] = self._different()[many].clip(min=self.cited.most + 1)
        return *counts, Figure.stacked(hhi), Figure.stacked(shared)

    def _different(self) -> Floats:
        """Estimate how many different sources each group has."""
        found = np.zeros(len(self.panels.keys))
        group, drawn = places(self.different.keys, self.panels.keys), self.different.drawn
        found[group] = drawn.counts(len(group)) if drawn else 0
        return found


def _pairs(data: Data) -> pd.DataFrame:
    """Return each source of each decision once."""
    frame = frame_of(data, "citations", ("stream_id", "source"))[["stream_id", "source"]]
    return frame.dropna(subset="source").drop_duplicates(ignore_index=True)


def _joined(keys: pd.DataFrame, ids: pd.Series, wanted: pd.Series) -> pd.DataFrame:
    """Return the keys of the wanted decisions."""
    found = keys.set_index(pd.Index(ids, dtype=object))
    return found[~found.index.duplicated()].reindex(wanted).reset_index(drop=True)


def _quantities(rows: pd.DataFrame) -> dict[str, Floats]:
    sources = rows["sources"].to_numpy(dtype=np.float64)
    cited, single = (sources > 0).astype(np.float64), (sources == 1).astype(np.float64)
    return {"n": np.ones(len(rows)), "cited": cited, "single": single, "sources": sources}
