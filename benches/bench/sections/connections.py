"""Whether a request costs more when many connections share the proxy."""

from .. import figures
from ..chart import Bar, Group, bars
from . import Shown, lines, picture

TITLE = "Few connections and many"
NEEDS = ["taskset", "wrk", "nginx"]
NAMES = ["countersign-hmac", "lean", "relay", "nginx", "haproxy-hmac"]
FEW, MANY = 16, 1000


def estimate(run):
    return run.rounds * len(NAMES) * (2 * run.seconds + 2.8)


def measure(run):
    subjects, rounds = run.present(*NAMES), []
    with run.origin():
        for number in range(run.rounds):
            rounds.append({})
            for subject in subjects:
                with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
                    few = run.cost(subject, server, connections=FEW)["us"]
                    many = run.cost(subject, server, connections=MANY)["us"]
                    rounds[-1][subject.name] = {"few": few, "many": many, "growth": many / few}
                    run.say(f"  round {number + 1}: {subject.name:20} {few:6.1f} us, {many:6.1f} us")
    groups = {subject.name: subject.group for subject in subjects}
    return {"rounds": rounds, "few": FEW, "many": MANY, "groups": groups}


def show(measured):
    rounds, groups = measured["rounds"], measured["groups"]
    names = figures.subjects(rounds)
    rows = []
    for name in names:
        costs = [figures.number(figures.of(rounds, name, figure).median, 1) for figure in ("few", "many")]
        growth = figures.show(figures.of(rounds, name, "growth"), 2)
        rows.append([name, *costs, growth, figures.show(figures.ratio(rounds, name, "lean", "growth"), 2)])
    header = ["", f"CPU µs at {measured['few']}", f"at {measured['many']:,}", "growth", "growth × lean's"]
    chart = bars(
        f"CPU per request at {measured['many']:,} connections beside {measured['few']}",
        f"multiples of the cost at {measured['few']}; whiskers are the range over rounds",
        [Group("", [Bar(name, figures.of(rounds, name, "growth"), groups[name]) for name in names])],
    )
    return Shown(
        "\n".join([picture("connections", "Growth of CPU per request with connections"), "", lines(header, rows)]),
        {"connections": chart},
    )
