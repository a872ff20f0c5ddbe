"""The single figures of calibration: what each says, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass

from .estimate import Estimate
from .renamed import Renamed
from .summary import Summary


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationFigures(Summary):
    """Figures of all that was counted, read off it by their names."""

    def _estimate(self, name: str) -> Estimate:
        raise NotImplementedError

    @property
    def accuracy(self) -> Estimate:
        """The share of right ones, 0 to 1."""
        return self._estimate("accuracy")

    @property
    def overconfidence(self) -> Estimate:
        """Mean confidence minus accuracy, -1 to 1: above 0 is too sure."""
        return self._estimate("overconfidence")

    @property
    def ece(self) -> Estimate:
        """The expected calibration error, 0 to 1: mean |accuracy - confidence| over bins, weighted by n.

        Naeini, Cooper and Hauskrecht (2015). Chance alone makes it larger than 0: it is biased upwards, the
        more the fewer observations a bin holds, and the replicates are biased once more, so that its interval
        hardly ever holds the true error (in a simulation in 0 to 2% at n = 200, in 52 to 76% at n = 2,000).
        ``ece_noise``, a column of the table, is what chance alone would give. Compare only with equal n and
        bins, and prefer ``brier`` to rank panels or voters.
        """
        return self._estimate("ece")

    @property
    def mce(self) -> Estimate:
        """The maximum calibration error, 0 to 1: max |accuracy - confidence| over bins (Naeini et al. 2015).

        The emptiest bin decides it: where a bin holds few it says nothing. Biased as ``ece`` is, and more.
        """
        return self._estimate("mce")

    @property
    def brier(self) -> Estimate:
        """The Brier score, 0 to 1, lower is better: mean (confidence - right)^2, right being 0 or 1.

        Brier (1950), in the form for two outcomes. A constant confidence of one half has 0.25.
        """
        return self._estimate("brier")

    @property
    def brier_skill(self) -> Estimate:
        """1 - Brier / uncertainty, 1 at best: how much better than to say the accuracy, always.

        Below 0, that would have been better still. The accuracy is that of the same decisions, which is known
        afterwards only. Not defined where all or none were right. In a simulation its interval held the truth
        in 92 to 96% at n = 30 and 200, in about 80% at n = 5.
        """
        return self._estimate("brier_skill")

    @property
    def calibration_loss(self) -> Estimate:
        """How far confidence is from accuracy, 0 is best: mean (confidence - accuracy)^2 over bins.

        Murphy (1973) calls it reliability; bins are weighted by n. Brier = calibration_loss - resolution +
        uncertainty + ``within`` (a column of :meth:`table`): the last is what confidences that differ within
        a bin add (Stephenson, Coelho and Jolliffe 2008); with few wide bins it matters. With isotonic bins,
        calibration_loss + within is CORP's miscalibration. Biased upwards as ``ece`` is.
        """
        return self._estimate("calibration_loss")

    @property
    def calibration_loss_corrected(self) -> Estimate:
        """The calibration loss without the part that chance adds to it (Ferro and Fricker 2012).

        Of a bin's (confidence - accuracy)^2, accuracy (1 - accuracy) / (n of the bin - 1) is taken away. So
        it is right on average where observations are independent, and may fall below 0; where they hang
        together, n is divided by what that adds to the variance of the replicates. Bins of one are left as
        they are. Resolution and uncertainty are corrected likewise, and add up as before. Not defined
        for isotonic bins, which were chosen by their accuracy. In a simulation the interval held the truth in
        96 to 100% from n = 30 on and in 60% at n = 5, that of the plain loss in hardly any.
        """
        return self._estimate("calibration_loss_corrected")

    reliability = Renamed("calibration_loss")

    @property
    def resolution(self) -> Estimate:
        """Murphy's (1973) resolution, more is better: mean (accuracy in the bin - accuracy)^2.

        With isotonic bins it is CORP's discrimination. Biased upwards as ``ece`` is: in a simulation its
        interval held the truth in 74 to 88% at n = 30 and 200, at n = 2,000 in 95%.
        """
        return self._estimate("resolution")

    @property
    def resolution_corrected(self) -> Estimate:
        """The resolution without the part that chance adds, as ``calibration_loss_corrected``.

        In a simulation its interval held the truth in 93 to 98% from n = 30 on.
        """
        return self._estimate("resolution_corrected")

    @property
    def uncertainty(self) -> Estimate:
        """Accuracy (1 - accuracy), 0 to 0.25 (Murphy 1973): how hard it was, whatever the confidence.

        At n = 5 its interval holds the truth in nearly all samples: it is too wide there.
        """
        return self._estimate("uncertainty")

    @property
    def uncertainty_corrected(self) -> Estimate:
        """The uncertainty with the part that chance takes from it: n / (n - 1) times as large."""
        return self._estimate("uncertainty_corrected")

    @property
    def log_score(self) -> Estimate:
        """The log score in nats, lower is better: mean -ln(probability given to what happened) (Good 1952).

        Confidences below 1/4,000 are taken as 1/4,000, those above 1 - 1/4,000 as that: a certain one that
        is wrong costs 8.3, not infinity. Where many are certain, the clip decides: prefer ``brier``. A few
        large losses make most of it, so that its interval holds the truth in about 92% at n = 30 and 200.
        """
        return self._estimate("log_score")

    @property
    def auroc(self) -> Estimate:
        """The probability that a right one is surer than a wrong one, ties half (Hanley and McNeil 1982).

        One half is chance. It says nothing of calibration: any rising transform of confidence has the same.
        Its interval is that of a share of as many observations as there are right or wrong ones, whichever
        are fewer: none for fewer than 2 of either, and for fewer than about 10 it is rather too wide (in a
        simulation it held the truth in 98 to 99% at n = 30).
        """
        return self._estimate("auroc")

    @property
    def auarc(self) -> Estimate:
        """The area under the accuracy-rejection curve, 0 to 1 (Nadeem, Zucker and Hanczar 2009).

        The mean accuracy of the k surest, over all k; ties in the mean over their orders. Confidence that
        ranks nothing has the accuracy itself. 1 - AUARC is the AURC of Geifman and El-Yaniv (2017). At n = 5
        its interval holds the truth in nearly all samples, at n = 30 and 200 in 91 to 95%.
        """
        return self._estimate("auarc")
