"""The same question asked again: how often the recommendation flips, and how far confidence spreads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from .engine.arithmetic import squared_deviations
from .engine.bootstrap import REPLICATES, checked, hashes
from .engine.bottom_k import UNIT, BottomK
from .engine.distinct import Distinct
from .engine.estimate import SMALL_N, Estimate
from .engine.input import TEXT, By, Data, frame_of, keys_of, names_of, shares_of
from .engine.intervals import Figure, with_ends
from .engine.summary import GROUP_OF, Summary, counted, kept_apart, over_batches, overall
from .engine.sums import GroupedSums, grouped, places
from .engine.units import Drawn, Units
from .engine.vocabulary import RECOMMENDATION

QUESTIONS = 50_000
"""Questions of each group that are looked at; one asked twice takes about 100 bytes."""


@dataclass(frozen=True, eq=False, repr=False)
class Stability(Summary):
    """How far the panels repeat themselves where they are asked the same again, by group.

    Askings of a question are the decisions of one group with the very same text of ``question``. The flip
    rate of a question is the share of the pairs of its askings that have different recommendations: the
    probability that two askings disagree (Simpson 1949), whose expectation does not depend on how often one
    asks. Stated is its mean over the questions asked more than once, each of which counts the same.
    Recommendations are compared as text: where they are free prose, nearly all differ, and flips say nothing.

    The spread is the standard deviation of confidence within questions, pooled: the root of the squared
    deviations from each question's mean by the askings beyond each question's first.

    A question is one observation: intervals draw whole questions. A ``cluster`` is to hold whole
    questions, too; one whose askings lie in several is drawn with one of these. Where a group has more than
    50,000 different ones, the figures come from a uniform sample of 50,000, drawn by a hash of their texts,
    with all their askings (``sampled``): of 1,000,000 questions, of which 10,000 came again, about 500 count.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.Stability.of(lab.sample())
    >>> summary.flip.n
    300
    """

    draws_questions = True

    asked: GroupedSums
    answers: BottomK
    replicates: int

    @staticmethod
    def questions(data: Data) -> pd.DataFrame:
        """Return one row a question that was asked more than once.

        Parameters
        ----------
        data
            A history or its ``decisions`` frame.

        Returns
        -------
        DataFrame
            The most asked first: ``question``; ``askings``; different ``recommendations``; ``commonest``
            recommendation, <NA> on a tie, and its ``share`` of the askings; ``flip``, 0 to 1; ``spread``, the
            sample standard deviation of confidence, NaN below 2 confidences.
        """
        frame = _asked(frame_of(data, "decisions", _NEEDED))
        rows = frame.groupby(["question", "recommendation"], sort=True).size().rename("n").reset_index()
        rows = rows.sort_values(["question", "n"], ascending=[True, False], kind="stable")
        by = rows.groupby("question")["n"]
        table = pd.DataFrame({"askings": by.sum(), "recommendations": by.size(), "most": by.max()})
        first = rows.drop_duplicates("question").set_index("question")["recommendation"]
        tied = rows["n"].eq(by.transform("max")).groupby(rows["question"]).sum() > 1
        pairs = (rows["n"] * (rows["n"] - 1)).groupby(rows["question"]).sum()
        table = table.assign(
            commonest=first.mask(tied),
            share=table["most"] / table["askings"],
            flip=1 - pairs / (table["askings"] * (table["askings"] - 1)).where(table["askings"] > 1),
            spread=frame.groupby("question")["confidence"].std(),
        )
        table = table[table["askings"] > 1].drop(columns="most").reset_index()
        return table.sort_values("askings", ascending=False, kind="stable", ignore_index=True)

    @classmethod
    @over_batches
    def of(cls, data: Data, *, by: By = None, cluster: By = None, replicates: int = REPLICATES) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history or its ``decisions`` frame.
        by
            Column or columns of ``decisions`` to group by: askings in different groups are not compared.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them; one that lacks a value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, an option out of range, or a confidence outside 0 to 1.
        """
        names = names_of(by, taken=(UNIT, "answer", "cluster", "question", GROUP_OF))
        frame = frame_of(data, "decisions", _NEEDED)
        keys, confidence = keys_of(frame, names), shares_of(frame, "confidence")
        known = frame[["question", "recommendation"]].notna().all(axis=1).to_numpy()
        asked = GroupedSums.of(keys, {"n": known, "missing": ~known})
        texts = frame[known].astype({"question": TEXT, "recommendation": TEXT})
        confidence = confidence[known]
        sure = ~np.isnan(confidence)
        quantities = {
            "n": np.ones(len(texts)),
            "sure": sure,
            "confidence": np.nan_to_num(confidence),
            "squares": np.nan_to_num(confidence) ** 2,
        }
        questions, units = hashes(texts["question"]), Units.of(data, cluster)
        clusters = units.at(texts["stream_id"]).hashed if units.names else questions
        answers = BottomK.from_rows(
            keys[known],
            questions,
            {"answer": hashes(texts["recommendation"]), "cluster": clusters},
            quantities,
            QUESTIONS,
        )
        return cls(names, asked, answers, checked(replicates), cluster=units.names)

    def lump(self, most: int = 8) -> Self:
        """Make the smallest groups one, as every summary does; their askings are still not compared.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more; the last then is "k others".
        """
        apart = kept_apart(self.answers.keys, self.by)
        return Summary.lump(replace(self, answers=replace(self.answers, keys=apart)), most)

    @property
    def _compared(self) -> tuple[str, ...]:
        return (RECOMMENDATION,)

    @property
    def flip(self) -> Estimate:
        """The mean flip rate of questions asked more than once, 0 to 1; n is those questions."""
        return overall(self.intervals.shares, self._repeated(), "flip", "again")

    @property
    def unstable(self) -> Estimate:
        """The share of the questions asked more than once that had more than one recommendation, 0 to 1."""
        return overall(self.intervals.shares, self._repeated(), "unstable", "again")

    @property
    def spread(self) -> Estimate:
        """The pooled standard deviation of confidence within a question, 0 to 1; n is those with two or more.

        Of few questions its interval is too low: in a simulation it held the truth in 86% for 5 and 91%
        for 30.
        """
        whole = self._repeated().marginalize(())
        n = whole.independent(whole["with_spread"][:, 0])
        return self._spread(whole).estimate(n)

    def table(self) -> pd.DataFrame:
        """Return one row a group.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``n`` decisions with a question; ``questions`` looked at; ``again``, those
            asked more than once, the observations behind the next two; ``askings`` of these; mean ``flip``
            rate, 0 to 1, with ``flip_low`` and ``flip_high``; ``unstable``, the share of them with more than
            one recommendation, with ``unstable_low`` and ``unstable_high`` (it grows with the askings);
            ``with_spread``, those of two confidences and more, and the ``spread`` within them, with
            ``spread_low`` and ``spread_high``; ``sampled``, whether there were more questions than are looked
            at; ``missing``, decisions without a question or recommendation.
            ``small_n`` marks rows of fewer than 10 questions asked again. Intervals are 95%, and NaN where
            there are fewer than 2 such questions.
        """
        sums, n = self._repeated(), self.asked["n"][:, 0]
        again = sums["again"][:, 0]
        independent = sums.independent(again)
        return sums.keys.assign(
            n=counted(n),
            questions=counted(sums["questions"][:, 0]),
            again=counted(again),
            **sums.clusters(),
            askings=counted(sums["askings"][:, 0]),
            **with_ends(
                flip=self.intervals.shares(sums["flip"], sums["again"], independent),
                unstable=self.intervals.shares(sums["unstable"], sums["again"], independent),
            ),
            with_spread=counted(sums["with_spread"][:, 0]),
            **with_ends(spread=self._spread(sums)),
            sampled=sums["decisions"][:, 0] < n,
            missing=counted(self.asked["missing"][:, 0]),
            small_n=independent < SMALL_N,
        )

    def _spread(self, sums: GroupedSums) -> Figure:
        """Return the pooled standard deviation."""
        n = sums.independent(sums["with_spread"][:, 0])
        value, low, high, method = self.intervals.means(sums["squares"], sums["freedom"], n, (0.0, 0.5))
        return Figure(np.sqrt(value), np.sqrt(low), np.sqrt(high), method)

    def _repeated(self) -> GroupedSums:
        """Add up the questions' figures by group, with replicates that draw whole questions."""
        clusters = self.answers.keys["cluster"].to_numpy(dtype=np.uint64)
        answers = self.answers.rekey(self.answers.keys.drop(columns="cluster"))
        questions, code = grouped(answers.keys.drop(columns="answer"))
        drawn = np.full(len(questions), np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(drawn, grouped(self.answers.keys.drop(columns=["answer", "cluster"]))[1], clusters)
        n, sure, total, squares = (
            np.bincount(code, answers[name][:, 0], minlength=len(questions)).astype(np.float64)
            for name in answers.names
        )
        pairs = np.bincount(code, answers["n"][:, 0] * (answers["n"][:, 0] - 1), minlength=len(questions))
        again = n > 1
        figures = {
            "again": again,
            "questions": np.ones(len(questions)),
            "decisions": n,
            "askings": np.where(again, n, 0),
            "flip": np.where(again, 1 - pairs / np.maximum(n * (n - 1), 1), 0.0),
            "unstable": again & (pairs < n * (n - 1)),
            "squares": squared_deviations(sure, total, squares),
            "freedom": np.maximum(sure - 1, 0),
            "with_spread": sure > 1,
        }
        # Groups without any question have no row there, but one in the table.
        keys = pd.concat([questions[list(self.by)], self.asked.keys], ignore_index=True)
        padded = {name: np.append(values, np.zeros(len(self.asked.keys))) for name, values in figures.items()}
        nobody = np.zeros(len(self.asked.keys), dtype=np.uint64)
        sums = GroupedSums.of(keys, padded, Drawn(np.concatenate([drawn, nobody])), self.replicates)
        if not self.cluster:
            return sums
        group = places(questions[again], sums.keys)
        return replace(sums, drawn=Distinct.of(group, drawn[again]))


_NEEDED = ("stream_id", "question", "recommendation", "confidence")


def _asked(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.dropna(subset=["question", "recommendation"])
