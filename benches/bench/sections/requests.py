"""What a request costs, beside the peers and the floors: the proxy's own CPU time."""

from .. import figures
from ..chart import Bar, Group, bars
from . import Shown, lines, picture

TITLE = "CPU per request"
NEEDS = ["taskset", "wrk", "nginx"]
YARDSTICKS = ["relay", "nginx", "haproxy-hmac", "haproxy-jwt", "envoy-jwt"]
KINDS = [
    ("open", "Nothing is checked"),
    ("signed", "A signature is checked"),
    ("fresh", "A signature is checked, another each time"),
    ("token", "A token is checked"),
]
PAIRS = [
    ("countersign-hmac-trained", "countersign-hmac"),
    ("countersign-jwt-trained", "countersign-jwt"),
    ("countersign-hmac-trained", "haproxy-hmac"),
    ("countersign-jwt-trained", "haproxy-jwt"),
    ("countersign-hmac-fresh-trained", "haproxy-hmac-fresh"),
    ("countersign-hmac", "haproxy-hmac"),
    ("countersign-hmac-fresh", "haproxy-hmac-fresh"),
    ("countersign-hmac", "nginx-hmac"),
    ("countersign-hmac", "lean"),
    ("countersign-jwt", "haproxy-jwt"),
    ("countersign-jwt", "envoy-jwt"),
    ("countersign-public", "haproxy"),
    ("countersign-public", "nginx"),
    ("countersign-public", "envoy"),
    ("countersign-public", "caddy"),
]


def estimate(run):
    return run.rounds * len(run.subjects) * (run.seconds + 1.8)


def measure(run):
    subjects, rounds = run.present(*run.subjects), []
    with run.origin():
        for number in range(run.rounds):
            rounds.append({})
            for subject in subjects:
                with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
                    cost = run.cost(subject, server)
                    rounds[-1][subject.name] = cost
                    run.say(f"  round {number + 1}: {subject.name:24} {cost['us']:6.1f} us, {cost['rps']:7.0f}/s")
    return {
        "rounds": rounds,
        "groups": {subject.name: subject.group for subject in subjects},
        "kinds": {subject.name: subject.kind for subject in subjects},
    }


def show(measured):
    rounds, groups = measured["rounds"], measured["groups"]
    names = figures.subjects(rounds)
    floors = [name for name in YARDSTICKS if name in names]
    header = ["", "CPU µs", *(f"× {floor}" for floor in floors), "requests/s", "p99 µs"]
    rows = [row(rounds, name, floors) for name in names]
    pairs = [pair for pair in PAIRS if figures.ratio(rounds, *pair, "us")]
    text = [
        picture("requests", "CPU time per request, as a multiple of the relay's"),
        "",
        lines(header, rows),
        "",
        "Like beside like, the median of the ratios in each round, and their range:",
        "",
        *(
            f"- {ours} costs {figures.show(figures.ratio(rounds, ours, other, 'us'))} × {other}"
            for ours, other in pairs
        ),
    ]
    title, unit = (
        "CPU per request beside a relay that parses nothing",
        "multiples of the relay; whiskers are the range over rounds",
    )
    chart = bars(
        title,
        unit,
        [
            Group(
                label,
                [
                    Bar(name, figures.ratio(rounds, name, "relay", "us"), groups[name])
                    for name in names
                    if measured["kinds"][name] == kind and figures.ratio(rounds, name, "relay", "us")
                ],
            )
            for kind, label in KINDS
        ],
    )
    return Shown("\n".join(text), {"requests": chart} if "relay" in names else {})


def row(rounds, name, floors):
    ratios = [figures.show(figures.ratio(rounds, name, floor, "us"), 2) if floor != name else "1" for floor in floors]
    middle = [figures.of(rounds, name, figure).median for figure in ("us", "rps", "p99")]
    return [name, figures.number(middle[0], 1), *ratios, figures.number(middle[1], 0), figures.number(middle[2], 0)]
