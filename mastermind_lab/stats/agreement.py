"""How much the voters agree: pair by pair, and beyond chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pandas as pd

from .engine.ballots import Ballots
from .engine.bootstrap import REPLICATES, Floats
from .engine.chance import CHANCES, beyond_chance, quantities_of, together_of
from .engine.estimate import SMALL_N, Estimate
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, names_of
from .engine.intervals import FROM_0, NONE, Figure, Intervals, divided, with_ends
from .engine.levels import NOMINAL, Level, Order, Scale
from .engine.options import check_whole
from .engine.pairs import PairChoices, cohen, pairs_of, refuse_too_many, seriation, with_chance
from .engine.ranking import by_what_is_known, shrunk
from .engine.renamed import Renamed
from .engine.small_groups import over_groups
from .engine.summary import Summary, Voted, counted, over_batches, without_clusters
from .engine.sums import GroupedSums, grouped, places
from .engine.units import Units
from .engine.vocabulary import CHOICE


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(Voted):
    """How often voters choose alike, pair by pair, and how far that is beyond chance, by group.

    Krippendorff's alpha is 1 - observed / expected disagreement: 1 is full agreement, 0 what chance would
    give, below 0 is less than chance. For nominal data, with n_uc votes for choice c in decision u, m_u votes
    in it, n_c votes for c and n in all decisions of two or more votes,

        observed = n - sum n_uc (n_uc - 1) / (m_u - 1),    expected = (n^2 - sum n_c^2) / (n - 1)

    (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"). Missing votes are allowed. At another
    ``level`` two different votes disagree by the square of their distance: of the numbers that they are
    (``"interval"``), or of their ranks among all votes of the group (``"ordinal"``).

    The other figures are nominal whatever the level. Fleiss' kappa (Fleiss 1971) has n - sum n_c^2 / n in
    place of expected, and needs panels of one size. Gwet's AC1 (Gwet 2008) is 1 - (1 - a) / (1 - e), where a
    is the mean share of pairs in a decision that are alike and e = sum p_c (1 - p_c) / (k - 1), with p_c the
    mean share of choice c in all decisions, lone votes too, and k the number of choices that occur (with
    ``order``, of all it names): where nearly all votes are for one choice, it is near a, kappa and alpha near
    0. Two voters have Cohen's kappa (Cohen 1960), whose chance is made of what each of them chose where both
    voted. Votes count alike, whatever their ``weight``.

    Chance is counted from all choices of a group together: they must mean the same in all its decisions.
    Where questions have choices of their own, voters seem to agree beyond chance already because they answer
    the same question; then group by what tells the sets of choices apart (``by="meta.category"``). ``alpha``,
    ``kappa`` and ``ac1`` over several groups add up the groups' observed and expected disagreement, so that
    chance stays each group's own; a group of fewer than 30 decisions then is one observation, drawn whole,
    and the interval comes from what differs between such groups. Voters who talked to each other agree for
    that reason: no figure then measures how reliable a single voter is.

    Without any variation (all votes of a group for one choice) expected disagreement is 0, and these figures
    are NaN: such votes cannot tell perfect agreement from voters who always say the same. Unanimous decisions
    of different choices give 1.

    A voter has one vote in a decision: who votes for the same choice twice has voted once, who votes for two
    choices has no vote there; both are counted in ``repeated``.

    Of few decisions the intervals of ``agreement``, ``alpha`` and ``kappa`` hold the truth less, or more,
    often than 95% of the time: in a simulation of 5 decisions in 91%, 99% and 98%, of 5 questions asked three
    times (clusters) in 94%, 86% and 86%, for few questions have few right answers, by which voters then seem
    to agree by chance; of 30 in 94 to 96%.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> pooled, within = lab.stats.Agreement.of(history), lab.stats.Agreement.of(history, by="meta.category")
    >>> bool(within.alpha.value < pooled.alpha.value)
    True
    >>> pooled.table()["agreement_shrunk"].is_monotonic_decreasing
    True
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"stream_id": [*"aabb"], "voter": [*"ABAB"], "choice": [*"1245"]})
    >>> f"{lab.stats.Agreement.of(scores, level='interval').alpha.value:.2f}"
    '0.85'
    """

    panels: GroupedSums
    choices: GroupedSums
    sizes: GroupedSums
    pairs: GroupedSums
    pair_choices: PairChoices
    together: GroupedSums
    level: str = field(default=NOMINAL, kw_only=True)
    ranks: tuple[str, ...] = field(default=(), kw_only=True)

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        level: Level = "nominal",
        order: Order = None,
        voter: str = VOTER,
        cluster: By = None,
        replicates: int = REPLICATES,
        family: str | None = None,
    ) -> Self:
        """Count a batch of votes.

        Parameters
        ----------
        data
            A history, or its ``votes`` frame (then without ``by``).
        by
            Column or columns of ``decisions`` to group by.
        level
            Level of measurement for alpha: ``"nominal"``, choices are alike or not; ``"ordinal"``, they have
            an order; ``"interval"``, they are numbers, whose differences mean something. But for the first,
            "1" and "1.0" are the same choice.
        order
            The choices of ordinal votes from the lowest to the highest; if not given, they must be numbers.
        voter
            Column of ``votes`` that tells voters apart: a seat, say, where one model sits in several, or the
            model; votes without it are left out.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals of alpha, kappa and AC1, 40 to 10,000.
        family
            ``"simultaneous"``: all 95% intervals of a column of a table hold together, not each by itself.

        Raises
        ------
        OptionError
            If a column is unknown, a choice is not in the order or no number where it has to be, or there are
            more than 20,000 groups and choices (for ordinal ones, pairs of choices), or more than 500,000
            different pairs of voters who met.
        """
        data = told_apart_by(data, voter)
        scale = Scale.of(level, order)
        names = names_of(by, taken=("choice", "other choice", "size", "voter", "other"))
        ballots = Ballots.of(data)
        ballots = scale.measured(ballots)
        keys, units = ballots.keys(data, names), Units.of(data, cluster)
        drawn = units.at(ballots.panels)
        size = np.bincount(ballots.panel, minlength=len(drawn))
        panel, choice, count = ballots.counts()
        chosen = keys.iloc[panel].assign(choice=pd.array(ballots.choices[choice], dtype=TEXT))
        votes = {"values": count * (size[panel] > 1), "shares": count / size[panel]}
        return cls(
            names,
            GroupedSums.of(keys, quantities_of(ballots, size, scale), drawn, replicates),
            GroupedSums.of(chosen, votes, drawn[panel], replicates),
            GroupedSums.of(keys.assign(size=size), {"n": np.ones(len(drawn))}),
            *pairs_of(ballots, keys),
            together_of(ballots, size, keys, drawn, replicates, scale),
            level=scale.level,
            ranks=scale.order,
            voter=voter,
            cluster=units.names,
            intervals=Intervals.of(family),
        )

    def __add__(self, other: Self) -> Self:
        merged = Summary.__add__(self, other)
        if merged is not NotImplemented:
            refuse_too_many(len(merged.pairs.keys))
        return merged

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE,) if self.level == NOMINAL else ()

    @property
    def alpha(self) -> Estimate:
        """Krippendorff's alpha at the ``level``, at most 1; n decisions of two or more votes.

        By simulation with scores from 1 to 4 its intervals hold the truth as often as they should, or more
        often where n is 5. Where most scores are the same, few decisions show none of the rare distances:
        at level "interval" 91% at n = 30 and 74% at n = 5, at "ordinal" 91% at n = 5.
        """
        return self._estimate("alpha")

    @property
    def kappa(self) -> Estimate:
        """Fleiss' kappa, at most 1; NaN where the panels of two or more votes are not all of one size."""
        kappa = self._estimate("kappa")
        sizes = self.sizes.keys["size"]
        alike = sizes[sizes > 1].nunique() == 1  # a lone vote has nobody to agree with
        return kappa if alike else replace(kappa, value=np.nan, low=np.nan, high=np.nan, method=NONE)

    @property
    def ac1(self) -> Estimate:
        """Gwet's AC1, at most 1; n decisions of two or more votes."""
        return self._estimate("ac1")

    def table(self, *, min_n: int = SMALL_N) -> pd.DataFrame:
        """Return one row for each voter and other voter; every pair stands there from either side.

        Those who agree most stand on top, by what is known of it: of many pairs the highest share is that of
        one who met a few times.

        Parameters
        ----------
        min_n
            Rows of fewer decisions are marked by ``small_n``, and stand below all others of the group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``voter``; ``other``; ``n`` pairs of their votes, and the ``decisions`` in
            which both voted: as many, but for voters with several votes in one, who have a row with
            themselves, too; ``agreement``, the share of n in which both chose alike, 0 to 1, with
            ``agreement_low`` and ``agreement_high``: the 95% interval of a binomial share (Wilson 1927), for
            a pair is one observation a decision and often has few. It is NaN where n is below 2, and where
            such an interval knows nothing of how observations hang together: of voters with several votes in
            a decision, and where clusters are drawn. ``agreement_shrunk`` is what the rows are sorted by: the
            share drawn towards the mean of the group's pairs, the more the fewer decisions there are and the
            less the pairs differ beyond chance (empirical Bayes, as in :meth:`Voters.ranking
            <mastermind_lab.stats.Voters.ranking>`). ``kappa``,
            -1 to 1, is agreement beyond chance (Cohen), its ends those of the agreement with chance as it was
            seen: by simulation 93 to 98% of them hold the truth from n = 10 on, nearly all where nine votes
            in ten are for one choice. It is NaN where both always chose the same one, for a voter with
            itself, and where pairs and their choices are more than 200,000. ``small_n`` says that there are
            fewer decisions than ``min_n``, which stands beside it.

        Raises
        ------
        OptionError
            If ``min_n`` is no whole number from 0.
        """
        pairs = with_chance(self.pairs, self.pair_choices)
        cells = np.append(pairs.cells, self._shrunk()[:, None, None], axis=1)
        both = _from_either_side(GroupedSums(pairs.keys, (*pairs.names, "shrunk"), cells))
        n, decisions = both["n"][:, 0], both["decisions"][:, 0]
        agreement = without_clusters(self.intervals.binomial(both["agree"][:, 0], n), self.cluster)
        agreement = agreement.where(n == decisions)
        group = places(both.keys, self.panels.keys)
        clusters = {name: values.iloc[group].array for name, values in self.panels.clusters().items()}
        figures = with_ends(agreement=agreement, kappa=cohen(agreement, both["chance"][:, 0] / n))
        counts = {"n": counted(n), "decisions": counted(decisions)}
        table = both.keys.assign(**counts, **clusters, **figures, agreement_shrunk=both["shrunk"][:, 0])
        return by_what_is_known(table, "agreement_shrunk", decisions, grouped(table[list(self.by)])[1], min_n)

    def _shrunk(self) -> Floats:
        """Draw each pair's agreement towards the mean of its group."""
        share, n = self.pairs["agree"][:, 0] / self.pairs["n"][:, 0], self.pairs["decisions"][:, 0]
        return shrunk(share, n, share * (1 - share) / n, grouped(self.pairs.keys[list(self.by)])[1])

    def by_group(self) -> pd.DataFrame:
        """Return one row a group: agreement as it is, and beyond chance.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions of two or more votes; ``alone``, decisions of one vote or
            none that counts, which are left out; ``repeated``, how often a voter voted more than once in a
            decision; ``agreement``, the share of pairs of votes that are alike, averaged over votes, 0 to 1;
            ``alpha`` (Krippendorff); ``kappa`` (Fleiss); ``ac1`` (Gwet); each with its 95% interval, as in
            ``alpha_low`` and ``alpha_high``; ``size`` of the panels, <NA> where they differ, and kappa then
            NaN; ``small_n``, whether n is below 10.
        """
        masses, size = self._masses(), _size(self.sizes, self.by)
        n = masses.independent(masses["n"][:, 0])
        alike = size.notna().to_numpy()
        figures = {
            "agreement": self.intervals.shares(masses["values"] - masses["disagree"], masses["values"], n),
            "alpha": _corrected(self.intervals, masses, "alpha", n),
            "kappa": _corrected(self.intervals, masses, "kappa", n).defined(alike),
            "ac1": _corrected(self.intervals, masses, "ac1", n),
        }
        return masses.keys.assign(
            n=counted(masses["n"][:, 0]),
            **masses.clusters(),
            alone=counted(masses["alone"][:, 0]),
            repeated=counted(masses["repeated"][:, 0]),
            **with_ends(**figures),
            size=size,
            small_n=n < SMALL_N,
        )

    reliability = Renamed("by_group")

    def order(self, most: int = 24) -> list[str]:
        """Order the voters so that those who agree stand side by side.

        Voters are joined step by step, the groups that agree most first (average linkage, Sokal and Michener
        1958), with the ends that agree most side by side. A pair that never met counts as the average one.

        Parameters
        ----------
        most
            Voters at most, of all groups: those with the most votes beside others'.

        Raises
        ------
        OptionError
            If ``most`` is no whole number from 0.
        """
        check_whole("most", most, 0)
        pairs = _from_either_side(self.pairs.marginalize(("voter", "other")))
        n, agree = pairs["n"][:, 0], pairs["agree"][:, 0]
        table = pairs.keys.assign(n=n, agreement=divided(agree, n))
        sizes = table.groupby("voter")["n"].sum()
        voters = sorted(sizes.sort_values(ascending=False, kind="stable").index[:most])
        table = table[table["voter"].isin(voters) & table["other"].isin(voters)]
        square = table.pivot(index="voter", columns="other", values="agreement").reindex(
            index=voters, columns=voters
        )
        agreement = square.to_numpy(dtype=np.float64)
        met = agreement[~np.isnan(agreement)]
        filled = np.where(np.isnan(agreement), met.mean() if met.size else 0.0, agreement)
        return [str(voters[place]) for place in seriation(filled)]

    def lump(self, most: int = 8) -> Self:
        """Return the summary as it is: chance is each group's own, and groups put together have none."""
        return self

    def _estimate(self, chance: str) -> Estimate:
        """Compare disagreement with chance over all groups."""
        whole, n = over_groups(self._masses(), "n")
        return _corrected(self.intervals, whole, chance, n).estimate(n)

    def _masses(self) -> GroupedSums:
        """Add what chance would give to each group's sums."""
        return beyond_chance(self.panels, self.choices, self.together, self._scale)

    @property
    def _scale(self) -> Scale:
        return Scale(self.level, self.ranks)


def _from_either_side(pairs: GroupedSums) -> GroupedSums:
    """Let every pair stand there from the side of either voter."""
    apart = (pairs.keys["voter"] != pairs.keys["other"]).to_numpy()
    other = pairs.keys[apart].rename(columns={"voter": "other", "other": "voter"})
    keys = pd.concat([pairs.keys, other[pairs.keys.columns]], ignore_index=True)
    return GroupedSums(keys, pairs.names, np.concatenate([pairs.cells, pairs.cells[apart]])).rekey(keys)


def _corrected(made: Intervals, masses: GroupedSums, chance: str, n: Floats) -> Figure:
    """Compare disagreement with chance in each group.

    Where the decisions are all split alike, as where nobody ever disagreed, every replicate says so, which is
    not certainty: as many as may by chance be missing could agree, or be split as far as can be.
    """
    disagreement, widest = CHANCES[chance]
    observed, expected = masses[disagreement], masses[chance]
    found = made.means(observed, expected, n, FROM_0)
    split, most = made.shares(observed, masses[widest], n), divided(masses[widest], expected)[:, 0]
    low, high = np.fmin(found.low, split.low * most), np.fmax(found.high, split.high * most)
    ratio, low, high, method = found.replaced(split.is_exact, low, high, split.method)
    return Figure(1 - ratio, 1 - np.maximum(high, ratio), 1 - np.minimum(low, ratio), method)


def _size(sizes: GroupedSums, by: tuple[str, ...]) -> pd.Series:
    """Return the size that all panels of two or more votes of a group have, <NA> where they differ."""
    size = sizes.keys["size"]
    found = size.where(size > 1).groupby(grouped(sizes.keys[list(by)])[1])
    return found.first().astype("Int64").where(found.nunique() == 1).reset_index(drop=True)
