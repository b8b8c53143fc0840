"""How long answers take at one fixed rate below saturation, beside HAProxy."""

from .. import credentials, figures, load
from ..chart import Bar, Group, bars
from ..servers import Failed
from . import Shown, lines, picture

TITLE = "Latency at a fixed rate"
NEEDS = ["taskset", "wrk", "h2load", "nginx", "haproxy"]
NAMES = ["countersign-hmac", "haproxy-hmac", "lean"]


def estimate(run):
    return 4 + run.rounds * len(NAMES) * (run.seconds + 2)


def measure(run):
    subjects, rounds = run.present(*NAMES), []
    with run.origin():
        rate = half_of_peak(run)
        run.say(f"  at {rate} requests a second")
        for number in range(run.rounds):
            rounds.append({})
            for subject in subjects:
                with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
                    rounds[-1][subject.name] = one(run, subject, server, rate)
                    run.say(f"  round {number + 1}: {subject.name:20} " + str(rounds[-1][subject.name]))
    return {"rounds": rounds, "rate": rate, "groups": {subject.name: subject.group for subject in subjects}}


def half_of_peak(run):
    """About half of what HAProxy can do here, in whole thousands."""
    haproxy = run.subjects["haproxy-hmac"]
    with run.server(haproxy) as server:
        return max(1000, int(run.cost(haproxy, server, seconds=2)["rps"] / 2000) * 1000)


def one(run, subject, server, rate):
    run.wrk(subject, 1)
    before, fields = server.cpu(), credentials.fields(subject.kind)
    seen = load.at_rate(run.other, run.url(subject), run.seconds, rate, fields)
    used = server.cpu() - before
    if seen.bad:
        raise Failed(f"{seen.bad} of {seen.count} requests were not answered with 2xx")
    return {"p50": seen.p50, "p99": seen.p99, "rps": seen.count / seen.seconds, "us": used / seen.count * 1e6}


def show(measured):
    rounds, groups = measured["rounds"], measured["groups"]
    names = figures.subjects(rounds)
    rows = []
    for name in names:
        cells = [figures.show(figures.of(rounds, name, figure)) for figure in ("rps", "p50", "p99", "us")]
        ratios = [figures.show(figures.ratio(rounds, name, "haproxy-hmac", figure), 2) for figure in ("p50", "p99")]
        rows.append([name, *cells, *ratios])
    header = ["", "answers/s", "p50 µs", "p99 µs", "CPU µs", "p50 × haproxy-hmac", "p99 × haproxy-hmac"]
    text = [
        f"{measured['rate']:,} requests a second were asked for, about half of what haproxy-hmac can do here.",
        "",
        picture("latency", "p50 and p99 in microseconds at a fixed rate"),
        "",
        lines(header, rows),
    ]
    groups = [
        Group(figure, [Bar(name, figures.of(rounds, name, figure), groups[name]) for name in names])
        for figure in ("p50", "p99")
    ]
    title = f"Latency at {measured['rate']:,} requests a second"
    return Shown("\n".join(text), {"latency": bars(title, "microseconds; whiskers are the range over rounds", groups)})
