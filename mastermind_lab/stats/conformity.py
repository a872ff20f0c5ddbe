"""Whether panels agree more than they should: unanimity, growing confidence, consensus without evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import OptionError
from .engine.anytime import intervals_of
from .engine.ballots import Ballots
from .engine.bootstrap import REPLICATES, Floats
from .engine.debate_rounds import ROUNDS, Rounds, rounds_of
from .engine.estimate import SMALL_N, Estimate
from .engine.identity import VOTER, told_apart_by
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of
from .engine.intervals import BOOTSTRAP, CHANGE, SHARE, Figure, divided, with_ends
from .engine.options import check_share, check_whole
from .engine.small_groups import over_groups
from .engine.summary import GROUP_OF, Summary, Voted, counted, kept_apart, over_batches, overall
from .engine.sums import GroupedSums, places
from .engine.units import Units
from .engine.vocabulary import CHOICE
from .margin import Margin

_EVIDENCE = ("n_citations", "n_arguments")
_NEEDED = ("stream_id", "recommendation", *_EVIDENCE)
_ROUNDING = 1e-12  # 1 - 1 / 5 is a little less than 0.8


@dataclass(frozen=True, eq=False, repr=False)
class Conformity(Voted):
    """Signs that the voters of a panel follow each other, by group.

    *Unanimity.* If voters chose by themselves, a panel of m would be as often unanimous as m votes taken at
    random from all N of the group: with the probability sum over c of C(n(c), m) / C(N, m), where n(c) are
    for the choice c. ``expected`` is its mean over the group's panels, ``excess`` what was observed beyond.
    Over several groups, one of fewer than 30 decisions is one observation, drawn whole. Voters who lean
    differently, but choose by themselves, would be unanimous even less often (a product is at most the power
    of the mean), so that the excess is rather too small. But it need not come from following: voters who see
    the same evidence agree, too. Group by what makes decisions alike (a kind of question with fixed choices,
    or ``by="question"`` where each was asked often); over unlike questions nearly all unanimity is excess.
    Panels of one are left out. Votes are counted unweighted, one a voter and decision: who votes for the same
    choice twice has voted once, who votes for two choices has no vote there; both are counted in
    ``repeated``.

    Of few decisions the interval of ``excess`` is too short: in a simulation it held the truth in 84% for 5,
    in 76% for 5 questions asked three times (clusters), and in 92 to 96% from 30 on. That of ``expected`` is
    too long: nearly all held it for 5, 98% for 30.

    *Inflation.* The panel's confidence in the last round of a debate minus that in the first, where meta
    tells both.

    *Hollow consensus.* Agreement without evidence: at least ``agreement`` of the votes for one choice, while
    the decision has at most ``citations`` citations and at most ``arguments`` arguments. Where either count
    is missing nobody told, and whether a decision is hollow is not known; nor is it where no decision has any
    of either, as in a table of votes.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.Conformity.of(lab.sample(), by="meta.category")
    >>> summary.inflation.value > 0
    True
    """

    agreement: float
    citations: int
    arguments: int
    rounds: str
    sums: GroupedSums
    sizes: GroupedSums
    choices: GroupedSums
    steps: GroupedSums

    @staticmethod
    def decisions(
        data: Data,
        *,
        agreement: float = 0.8,
        citations: int = 1,
        arguments: int = 3,
        rounds: str = ROUNDS,
        voter: str = VOTER,
    ) -> pd.DataFrame:
        """Return one row a decision.

        Parameters
        ----------
        data
            A history.
        agreement
            Share of the votes for one choice from which there is consensus, above 0.5 to 1.
        citations, arguments
            Most of each with which a consensus is hollow, 0 or more.
        rounds
            Column of ``decisions`` with the rounds: JSON text, a list of objects with a ``confidence``. What
            is something else has no rounds.
        voter
            Column of ``votes`` that tells voters apart, as for :meth:`of`.

        Returns
        -------
        DataFrame
            In the order of the decisions: ``stream_id``; ``votes`` that count; ``repeated``, voters
            with more than one; ``agreement``, the share of the winner,
            0 to 1; ``unanimous``; ``n_citations``; ``n_arguments``; ``hollow``; ``n_rounds`` with a
            confidence; ``inflation``, last minus first of these, -1 to 1, NaN below 2. On a tie there is no
            winner: ``agreement`` is missing, ``hollow`` False. Below 2 votes all three are missing;
            ``hollow`` also where ``n_citations`` or ``n_arguments`` is, and in all where no decision has a
            citation or an argument.

        Raises
        ------
        OptionError
            If an option is out of range, or a column missing.
        """
        data = told_apart_by(data, voter)
        frame = _frame(data)
        rows = _described(data, frame, rounds_of(frame, rounds), agreement, citations, arguments)
        if not _has_evidence(rows).any():
            rows["hollow"] = pd.array([pd.NA] * len(rows), "boolean")
        return rows

    @classmethod
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        by: By = None,
        agreement: float = 0.8,
        citations: int = 1,
        arguments: int = 3,
        rounds: str = ROUNDS,
        voter: str = VOTER,
        cluster: By = None,
        replicates: int = REPLICATES,
        interval: str = BOOTSTRAP,
    ) -> Self:
        """Count a batch of decisions and their votes.

        Parameters
        ----------
        data
            A history.
        by
            Column or columns of ``decisions`` to group by.
        agreement, citations, arguments, rounds
            See :meth:`decisions`.
        voter
            Column of ``votes`` that tells voters apart: a seat, say, where one model sits in several, or the
            model; votes without it are left out.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.
        interval
            ``"bootstrap"``, for one look; ``"anytime"``, for as many as one likes while decisions come in.
            That is for means and shares of decisions, without ``cluster``; other figures then have none.

        Raises
        ------
        OptionError
            If a column is unknown or missing, or an option out of range.
        """
        data = told_apart_by(data, voter)
        names = names_of(by, taken=("votes", "choice", "round", GROUP_OF))
        frame = _frame(data)
        debates = rounds_of(frame, rounds)
        rows = _described(data, frame, debates, agreement, citations, arguments)
        keys = keys_of(frame, names).reset_index(drop=True)
        units, panel = Units.of(data, cluster), (rows["votes"] >= 2).to_numpy()
        drawn = units.at(rows["stream_id"])
        sums = GroupedSums.of(keys, _quantities(rows, agreement), drawn, replicates)
        one = {"n": np.ones(panel.sum())}
        sizes = GroupedSums.of(keys[panel].assign(votes=rows["votes"][panel]), one, drawn[panel], replicates)
        choices = _choices(data, keys[panel], rows["stream_id"][panel], units, replicates)
        options = (float(agreement), citations, arguments, rounds)
        steps = debates.sums(keys, drawn, replicates)
        return cls(
            names,
            *options,
            sums,
            sizes,
            choices,
            steps,
            voter=voter,
            cluster=units.names,
            intervals=intervals_of(interval, units.names),
        )

    @property
    def _compared(self) -> tuple[str, ...]:
        return (CHOICE,)

    @property
    def inflation(self) -> Estimate:
        """The mean growth of confidence from the first round to the last, -1 to 1; n is the debates."""
        return overall(self.intervals.means, self.sums, "inflation", "debated", bounds=CHANGE)

    @property
    def hollow(self) -> Estimate:
        """The share of panels of two and more whose decision is a hollow consensus, 0 to 1, of ``n_told``."""
        return overall(self._hollow, self.sums, "hollow", "told")

    def _hollow(self, top: Floats, bottom: Floats, n: Floats) -> Figure:
        """Divide as for shares, but where no decision has any evidence: then nobody told of it."""
        is_told = self.sums["evidence"][:, 0].any()
        return self.intervals.shares(top, bottom, n).defined(np.full(len(n), is_told))

    @property
    def excess(self) -> Estimate:
        """Unanimity beyond that of voters who choose by themselves, -1 to 1: the mean over all panels."""
        whole, n = over_groups(self._with_expected(), "n")
        return self._excess(whole, n).estimate(n)

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions with two votes and more; shares of these, 0 to 1, and their
            95% intervals (``_low``, ``_high``): ``unanimous``; ``expected``, by voters who choose by
            themselves; ``excess``, the difference; ``consensus``; ``hollow``, of the ``n_told`` whose counts
            of evidence are known, NaN where no decision of any group has a citation or an argument.
            ``debated``, decisions with two
            rounds and more, and their mean ``inflation``, -1 to 1; ``too_small``, decisions with fewer votes,
            left out of the shares; ``repeated``, how often a voter voted more than once in a decision.
            ``small_n`` marks rows of fewer than 10 decisions. Intervals are NaN where there are fewer than 2
            observations.
        """
        sums = self.sums.marginalize(self.by)
        n, told, debated = (sums.independent(sums[name][:, 0]) for name in ("n", "told", "debated"))
        made = self.intervals
        figures = {name: made.shares(sums[name], sums["n"], n) for name in ("unanimous", "consensus")}
        figures["hollow"] = self._hollow(sums["hollow"], sums["told"], told)
        chance, independent = over_groups(self._with_expected(), "n", self.by)
        figures["expected"] = made.figures(divided(chance["expected"], chance["n"]), independent, SHARE)
        figures["excess"] = self._excess(chance, independent)
        figures["inflation"] = made.means(sums["inflation"], sums["debated"], debated, CHANGE)
        order = ("unanimous", "expected", "excess", "consensus", "hollow", "inflation")
        return sums.keys.assign(
            n=counted(sums["n"][:, 0]),
            **sums.clusters(),
            **with_ends(**{name: figures[name] for name in order}),
            n_told=counted(sums["told"][:, 0]),
            debated=counted(sums["debated"][:, 0]),
            too_small=counted(sums["too_small"][:, 0]),
            repeated=counted(sums["repeated"][:, 0]),
            small_n=n < SMALL_N,
        )

    def by_round(self) -> pd.DataFrame:
        """Return one row for each group and round of the debates.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``round``, 1 to 20; ``n`` decisions that have it; mean ``confidence`` in it,
            0 to 1, and mean ``change`` since the first round of the same decisions, -1 to 1, each with its
            95% interval (``_low``, ``_high``; NaN below 2); ``small_n``, whether n is below 10. Later rounds
            are those of longer debates: compare changes, not means.
        """
        counts = {"n": counted(self.steps["n"][:, 0]), **self.steps.clusters()}
        n = self.steps.independent(self.steps["n"][:, 0])
        means = {
            name: self.intervals.means(self.steps[name], self.steps["n"], n, bounds)
            for name, bounds in (("confidence", SHARE), ("change", CHANGE))
        }
        return self.steps.keys.assign(**counts, **with_ends(**means), small_n=n < SMALL_N)

    def lump(self, most: int = 8) -> Self:
        """Make the smallest groups one, as every summary does; what is expected is still each one's own.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more; the last then is "k others".
        """
        sums, sizes, choices = (
            replace(one, keys=kept_apart(one.keys, self.by)) for one in (self.sums, self.sizes, self.choices)
        )
        return Summary.lump(replace(self, sums=sums, sizes=sizes, choices=choices), most)

    def _excess(self, sums: GroupedSums, n: Floats) -> Figure:
        """Take what is expected from what was observed, a decision."""
        beyond = divided(sums["unanimous"] - sums["expected"], sums["n"])
        return self.intervals.figures(beyond, n, CHANGE)

    def _with_expected(self) -> GroupedSums:
        """Add to each group how many of its panels are expected to be unanimous."""
        found = np.zeros(self.sums["n"].shape)
        by_size, by_choice = (places(sums.keys, self.sums.keys) for sums in (self.sizes, self.choices))
        for group in np.flatnonzero(self.sums["n"][:, 0]):
            votes, panels = self.choices["votes"][by_choice == group], self.sizes["n"][by_size == group]
            cast = votes.sum(axis=0)
            sizes = self.sizes.keys["votes"][by_size == group].to_numpy(dtype=np.intp)
            found[group] = sum(
                n * _unanimous(votes, cast, size) for n, size in zip(panels, sizes, strict=True)
            )
        names, cells = (*self.sums.names, "expected"), np.append(self.sums.cells, found[:, None], axis=1)
        return replace(self.sums, names=names, cells=cells)


def _unanimous(votes: Floats, cast: Floats, size: int) -> Floats:
    """The probability that so many of the votes cast, taken at random, are all for one choice."""
    chance = np.ones_like(votes)
    for taken in range(size):
        left = cast - taken
        chance *= np.divide(np.maximum(votes - taken, 0), left, out=np.zeros_like(votes), where=left > 0)
    total: Floats = chance.sum(axis=0)
    return total


def _frame(data: Data) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        raise OptionError("conformity needs a history: its decisions and its votes")
    return frame_of(data, "decisions", _NEEDED)


def _described(
    data: Data, frame: pd.DataFrame, debates: Rounds, agreement: float, citations: int, arguments: int
) -> pd.DataFrame:
    """Make the rows of :meth:`Conformity.decisions`."""
    _check(agreement, citations, arguments)
    votes = Margin.decisions(data)
    panel = (votes["votes"] >= 2).to_numpy(dtype=bool)
    share = (1 - votes["dissenters"] / votes["votes"]).astype("Float64").where(panel)
    evidence = frame[list(_EVIDENCE)].reset_index(drop=True)
    little = (evidence.fillna(0) <= [citations, arguments]).all(axis=1)
    hollow = (share >= agreement - _ROUNDING).fillna(False) & little
    first, last = (debates.at(end, len(frame)) for end in ("first", "last"))
    rounds = np.bincount(debates.decision, minlength=len(frame))
    columns = {
        "stream_id": frame["stream_id"].astype(TEXT).array,
        "votes": votes["votes"].array,
        "repeated": votes["repeated"].array,
        "agreement": share.to_numpy(dtype=np.float64, na_value=np.nan),
        "unanimous": votes["unanimous"].where(panel).array,
        **{name: evidence[name].array for name in _EVIDENCE},
        "hollow": hollow.astype("boolean").where(panel & evidence.notna().all(axis=1)).array,
        "n_rounds": pd.array(rounds, dtype="Int64"),
        "inflation": np.where(rounds > 1, last - first, np.nan),
    }
    return pd.DataFrame(columns)


def _check(agreement: float, citations: int, arguments: int) -> None:
    check_share("agreement", agreement, "above 0.5 and at most 1")
    for name, most in (("citations", citations), ("arguments", arguments)):
        check_whole(name, most, 0)


def _quantities(rows: pd.DataFrame, agreement: float) -> dict[str, Floats]:
    """Turn the decisions' figures into numbers to add; what is missing adds nothing."""
    panel = (rows["votes"] >= 2).to_numpy(dtype=np.float64)
    inflation = rows["inflation"].to_numpy(dtype=np.float64)
    flags = {name: rows[name].fillna(False).to_numpy(dtype=np.float64) for name in ("unanimous", "hollow")}
    return {
        "n": panel,
        **flags,
        "told": rows["hollow"].notna().to_numpy(dtype=np.float64),
        "consensus": (rows["agreement"] >= agreement - _ROUNDING).to_numpy(dtype=np.float64),
        "debated": (~np.isnan(inflation)).astype(np.float64),
        "inflation": np.nan_to_num(inflation),
        "evidence": _has_evidence(rows).astype(np.float64),
        "too_small": 1 - panel,
        "repeated": rows["repeated"].to_numpy(dtype=np.float64),
    }


def _has_evidence(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which decisions have a citation or an argument."""
    found: NDArray[np.bool_] = (rows[list(_EVIDENCE)].fillna(0) > 0).any(axis=1).to_numpy(bool)
    return found


def _choices(data: Data, keys: pd.DataFrame, ids: pd.Series, units: Units, replicates: int) -> GroupedSums:
    """Count the votes for each choice in the panels of these ids."""
    votes = Ballots.of(data).votes
    place = pd.Index(ids, dtype=object).get_indexer(votes["stream_id"])
    votes, place = votes[place >= 0], place[place >= 0]
    groups = keys.iloc[place].reset_index(drop=True).assign(choice=votes["choice"].to_numpy(dtype=object))
    return GroupedSums.of(groups, {"votes": np.ones(len(votes))}, units.at(votes["stream_id"]), replicates)
