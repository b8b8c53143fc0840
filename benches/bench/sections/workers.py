"""Whether a request costs more when two workers share the work, beside HAProxy with two threads."""

import os

from .. import figures
from ..subjects import gateway
from . import Shown, lines

TITLE = "One worker and two"
NEEDS = ["taskset", "wrk", "nginx"]


def estimate(run):
    return run.rounds * 4 * (run.seconds + 1.8)


def measure(run):
    kept = run.other
    run.other = "2,3" if os.cpu_count() >= 4 else kept
    try:
        return {"rounds": measure_rounds(run), "shared": run.other == kept}
    finally:
        run.other = kept


def measure_rounds(run):
    rounds = []
    with run.origin():
        for number in range(run.rounds):
            rounds.append({})
            for subject in variants(run):
                with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject, "0,1") as server:
                    cost = run.cost(subject, server)
                    rounds[-1][subject.name] = cost
                    run.say(f"  round {number + 1}: {subject.name:20} {cost['us']:.1f} us, {cost['rps']:.0f}/s")
    return rounds


def variants(run):
    plain, config = run.subjects["countersign-hmac"], run.config("bench.yaml")
    for count in (1, 2):
        yield plain._replace(name=f"countersign-{count}", command=lambda: gateway(run, config, count))
    for peer in run.present("haproxy-hmac"):
        command = peer.command()
        for count in (1, 2):
            run.config("haproxy.cfg", lambda text: text.replace("nbthread 1", f"nbthread {count}"))
            yield peer._replace(name=f"haproxy-{count}", command=lambda: command)


def show(measured):
    rounds = measured["rounds"]
    rows = []
    for proxy in ("countersign", "haproxy"):
        if figures.ratio(rounds, f"{proxy}-2", f"{proxy}-1", "us"):
            cells = [
                figures.of(rounds, f"{proxy}-{count}", figure).median for figure in ("us", "rps") for count in (1, 2)
            ]
            ratio = figures.show(figures.ratio(rounds, f"{proxy}-2", f"{proxy}-1", "us"), 2)
            rows.append(
                [
                    f"{proxy}-hmac",
                    *(figures.number(each, 1) for each in cells[:2]),
                    ratio,
                    *(figures.number(each, 0) for each in cells[2:]),
                ]
            )
    shared = (
        (
            "With two processors in all, the second worker shares its own with origin and load: read the cost, not the "
            "requests a second."
        )
        if measured["shared"]
        else "The workers had two processors, origin and load two others."
    )
    header = ["", "CPU µs, 1", "CPU µs, 2", "2 × 1", "requests/s, 1", "requests/s, 2"]
    return Shown("\n".join([shared, "", lines(header, rows)]), {})
