"""Ballots that are more than a choice counted plainly: one election at a time, in exact fractions.

A ranking is a list of sets of equal rank, the best first; scores and probabilities are dicts by choice. Each
rule returns the set of those who may win.
"""

from fractions import Fraction
from functools import cache


def standing(ballots):
    return {one for ballot in ballots for rank in ballot for one in rank}


def above(ballot, one, other):
    """Say whether a ranking puts one above another; who is left out is below all others."""
    place = {name: number for number, rank in enumerate(ballot) for name in rank}
    return place.get(one, len(ballot)) < place.get(other, len(ballot))


def highest(sums):
    return {one for one, value in sums.items() if value == max(sums.values())}


def borda(ballots):
    points = dict.fromkeys(standing(ballots), Fraction(0))
    for one in points:
        for other in points.keys() - {one}:
            for ballot in ballots:
                points[one] += above(ballot, one, other)
                points[one] += Fraction(not above(ballot, one, other) and not above(ballot, other, one)) / 2
    return highest(points)


def condorcet(ballots):
    everyone = standing(ballots)
    return {
        one
        for one in everyone
        if all(
            sum(above(ballot, one, other) - above(ballot, other, one) for ballot in ballots) > 0
            for other in everyone - {one}
        )
    }


def instant_runoff(ballots):
    """Drop one of the last at a time, in every order there is, until one is left."""

    @cache
    def winners(left):
        if len(left) == 1:
            return left
        firsts = dict.fromkeys(left, Fraction(0))
        for ballot in ballots:
            first = next((rank & left for rank in ballot if rank & left), ())
            for one in first:
                firsts[one] += Fraction(1, len(first))
        last = [one for one, votes in firsts.items() if votes == min(firsts.values())]
        return frozenset().union(*(winners(left - {one}) for one in last))

    return set(winners(frozenset(standing(ballots))))


def mean_score(ballots):
    named = {one for ballot in ballots for one in ballot}
    given = {one: [Fraction(ballot[one]) for ballot in ballots if one in ballot] for one in named}
    return highest({one: sum(scores) / len(scores) for one, scores in given.items()})


def soft(ballots):
    sums = {}
    for ballot in ballots:
        for one, probability in ballot.items():
            sums[one] = sums.get(one, 0) + Fraction(probability) / sum(map(Fraction, ballot.values()))
    return highest(sums)


# Ballots to count.


def grouped(order, joined):
    levels = []
    for one, with_last in zip(order, joined, strict=False):
        if levels and with_last:
            levels[-1].append(one)
        else:
            levels.append([one])
    return levels


def random_ballot(random):
    order = random.permutation(list("abcd"))[: random.integers(0, 5)].tolist()
    numbers = [
        dict(zip(random.permutation(list("abcd"))[: random.integers(0, 5)].tolist(),
                 random.choice([0.0, 0.25, 0.5, 1.0], 4).tolist(), strict=False))
        for _ in range(2)
    ]  # fmt: skip
    return {
        "ranking": grouped(order, random.random(4) < 0.3),
        "score": numbers[0],
        "probabilities": numbers[1],
    }
