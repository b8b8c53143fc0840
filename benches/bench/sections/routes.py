"""Whether a request costs more when the gateway has many routes."""

from .. import figures
from ..subjects import gateway, ours
from . import Shown, lines

TITLE = "One route and ten thousand"
NEEDS = ["taskset", "wrk", "nginx"]
MANY = 10_000


def estimate(run):
    return run.rounds * 2 * (run.seconds + 2.5)


def measure(run):
    rounds, plain = [], ours(run, "countersign-hmac")
    with run.origin():
        for number in range(run.rounds):
            rounds.append({})
            for name, count in (("one", 1), ("many", MANY)):
                config = run.config("bench.yaml", lambda text: routed(text, count))
                subject = plain._replace(name=f"countersign-{name}", command=lambda: gateway(run, config))
                with run.measuring(f"{count} routes, round {number + 1}"), run.server(subject, patience=60) as server:
                    path = f"/fleet/{count // 2}/devices/7/status"
                    rounds[-1][name] = run.cost(subject, server, path=path)
                    run.say(f"  round {number + 1}: {count} routes: {rounds[-1][name]['us']:.1f} us")
    return {"rounds": rounds, "many": MANY}


def routed(text, count):
    """The benchmark's config with so many signed routes instead of its own."""
    kept = text.split("\nroutes:\n")[0]
    rest = text[text.index("\nreplay:") :]
    rows = [
        f'  - {{ match: {{ path: "/fleet/{index}/devices/{{device}}/status", listen: hmac }}, '
        "require: { hmac: header }, to: app }"
        for index in range(count)
    ]
    return "\n".join([kept, "routes:", *rows, rest])


def show(measured):
    rounds = measured["rounds"]
    rows = []
    for name, label in (("one", "1"), ("many", f"{measured['many']:,}")):
        if not figures.of(rounds, name, "us"):
            continue
        memory = figures.of(rounds, name, "rss")
        ratio = figures.show(figures.ratio(rounds, name, "one", "us"), 2) if name != "one" else "1"
        rows.append(
            [
                label,
                figures.number(figures.of(rounds, name, "us").median, 1),
                ratio,
                figures.number(memory.median / 1024, 1),
            ]
        )
    text = "Signed routes with a parameter in their path; the request is for one in the middle of the file."
    return Shown("\n".join([text, "", lines(["routes", "CPU µs", "× one route", "MiB resident"], rows)]), {})
