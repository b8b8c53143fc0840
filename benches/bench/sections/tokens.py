"""Whether a token that is known costs more by the algorithm that signed it."""

import json

from .. import credentials, figures
from ..subjects import gateway
from . import Shown, lines

TITLE = "Tokens by algorithm"
NEEDS = ["taskset", "wrk", "nginx"]
BASE = "HS256"
ALGORITHMS = [BASE, "RS256", "PS256", "ES256", "EdDSA"]


def estimate(run):
    return run.rounds * len(ALGORITHMS) * (run.seconds + 1.8)


def measure(run):
    plain, rounds = run.subjects["countersign-jwt"], []
    config = run.config("bench.yaml", lambda text: believing(run, text))
    with run.origin():
        for number in range(run.rounds):
            rounds.append({})
            for algorithm in ALGORITHMS:
                subject = plain._replace(name=f"countersign-{algorithm}", kind=algorithm)
                subject = subject._replace(command=lambda: gateway(run, config))
                with run.measuring(f"{algorithm}, round {number + 1}"), run.server(subject) as server:
                    rounds[-1][algorithm] = run.cost(subject, server)
                    run.say(f"  round {number + 1}: {algorithm:6} {rounds[-1][algorithm]['us']:.1f} us")
    tokens = credentials.recorded()[0]
    return {"rounds": rounds, "bytes": {algorithm: len(tokens[algorithm]) for algorithm in ALGORITHMS}}


def believing(run, text):
    """The benchmark's config with the keys of the recorded tokens instead of its own."""
    _, keys, secrets = credentials.recorded()
    secret = run.write("recorded.key", secrets[BASE])
    entries = [f"{{ kid: {BASE}, algorithm: {BASE}, secret: {{ file: {secret}, encoding: hex }} }}"]
    for key in keys:
        if key["kid"] in ALGORITHMS:
            file = run.write(f"{key['kid']}.jwk", json.dumps(key))
            entries.append(f"{{ kid: {key['kid']}, algorithm: {key['kid']}, public_key: {{ file: {file} }} }}")
    lines_of_keys = "".join(f"      - {entry}\n" for entry in entries)
    block = f"tokens:\n  bench:\n    keys:\n{lines_of_keys}    issuer: https://issuer.test\n    audience: api\n\n"
    return text[: text.index("tokens:\n")] + block + text[text.index("upstreams:\n") :]


def show(measured):
    rounds = measured["rounds"]
    rows = [row(rounds, name, length) for name, length in measured["bytes"].items() if figures.of(rounds, name, "us")]
    text = (
        "The same claims, the same token with each request: after the first it is looked up, so that what is left between "
        "the algorithms is the length of their tokens. What a token costs that was not seen before is in "
        "`cargo bench --bench tokens`."
    )
    return Shown("\n".join([text, "", lines(["", "bytes", "CPU µs", f"× {BASE}"], rows)]), {})


def row(rounds, name, length):
    ratio = figures.show(figures.ratio(rounds, name, BASE, "us"), 2) if name != BASE else "1"
    return [name, str(length), figures.number(figures.of(rounds, name, "us").median, 1), ratio]
