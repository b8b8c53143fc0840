"""Arithmetic over rounds. A round is a dictionary: subject → figure → number. Nothing here measures or prints."""

import statistics
from collections import namedtuple

Spread = namedtuple("Spread", "median low high")


def spread(values):
    """Median and range; None of nothing."""
    values = sorted(values)
    return Spread(statistics.median(values), values[0], values[-1]) if values else None


def of(rounds, subject, figure):
    """A figure of one subject over all rounds that have it."""
    return spread([each[subject][figure] for each in rounds if figure in each.get(subject, {})])


def ratio(rounds, subject, other, figure):
    """How often `other` goes into `subject`: first within each round, for what disturbs a round disturbs both."""
    both = [each for each in rounds if figure in each.get(subject, {}) and each.get(other, {}).get(figure)]
    return spread([each[subject][figure] / each[other][figure] for each in both])


def subjects(rounds):
    """All that were measured, in the order in which they were."""
    return list(dict.fromkeys(name for each in rounds for name in each))


def number(value, digits=None):
    """Three significant figures, or so many digits after the point; thousands apart."""
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def show(values, digits=None):
    """`1.23 (1.20 to 1.30)`, or a dash. One round has no range."""
    if values is None:
        return "–"
    if values.low == values.high:
        return number(values.median, digits)
    return f"{number(values.median, digits)} ({number(values.low, digits)} to {number(values.high, digits)})"


def percentile(ordered, share):
    """Of values in order, the one that `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
