"""What bodies cost, up and down, by their size; and what it costs to verify a signature over one of 64 KiB."""

import re
import subprocess

from .. import credentials, figures, load
from ..chart import Bar, Group, bars
from ..machine import missing, tool
from ..servers import Failed
from ..subjects import HAPROXY, Subject, gateway, peer
from . import Shown, lines, picture

TITLE = "Bodies"
NEEDS = ["taskset", "h2load", "nginx"]
KIB, MIB = 1024, 1024 * 1024
# Size, requests, connections. What an upload is answered with, and a download asked for with, is in the figures too.
SIZES = [(KIB, 20_000, 16), (64 * KIB, 6_000, 16), (MIB, 500, 16), (100 * MIB, 6, 2)]
NOTHING = (0, 20_000, 16)
SIGNED = 64 * KIB
PROXIES = ["countersign", "nginx", "haproxy"]


def estimate(run):
    return 3 + run.rounds * 32


def measure(run):
    with run.sink():
        files = {size: body(run, size) for size, _, _ in SIZES}
        rounds = [one_round(run, number, files) for number in range(run.rounds)]
    return {"rounds": rounds, "sizes": [size for size, _, _ in SIZES], "bare": bare(run)}


def body(run, size):
    path = run.path(f"body-{size}")
    with open(path, "wb") as file:
        for _ in range(0, size, KIB):
            file.write(b"." * KIB)
    return path


def one_round(run, number, files):
    found = {}
    for subject in streaming(run):
        with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
            found[subject.name] = costs(run, subject, server, files)
            run.say(
                f"  round {number + 1}: {subject.name:20} {found[subject.name]['down 65536']:6.1f} us down, "
                f"{found[subject.name]['up 65536']:6.1f} us up at 64 KiB"
            )
    for subject in verifying(run):
        with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
            with open(files[SIGNED], "rb") as file:
                fields = credentials.body_fields(file.read())
            found[subject.name] = {"signed": cost(run, subject, server, SIZES[1], "/", files[SIGNED], fields)}
            run.say(f"  round {number + 1}: {subject.name:20} {found[subject.name]['signed']:6.1f} us signed")
    return found


def countersign(run, name, port):
    return Subject(name, lambda: gateway(run, run.config("countersign-bodies.yaml")), port, "open", "ours", None)


def streaming(run):
    return [countersign(run, "countersign", 9210), *run.present("nginx", "haproxy")]


def verifying(run):
    subjects = [countersign(run, "countersign-signed", 9211)]
    haproxy = peer(run, "haproxy-signed", 9123, "open", "haproxy", "haproxy-bodies.cfg", HAPROXY)
    return subjects + ([haproxy] if run.present("haproxy") else [])


def costs(run, subject, server, files):
    found = {"down 0": cost(run, subject, server, NOTHING, "/bytes/0")}
    for row in SIZES:
        found[f"down {row[0]}"] = cost(run, subject, server, row, f"/bytes/{row[0]}")
        found[f"up {row[0]}"] = cost(run, subject, server, row, "/", files[row[0]])
    return found


def cost(run, subject, server, row, path, file=None, fields=()):
    """Microseconds of the proxy's CPU for one request."""
    _, count, connections = row
    url = run.url(subject, path)
    load.counted(run.other, url, max(connections, count // 20), connections, fields, file)
    before = server.cpu()
    seen = load.counted(run.other, url, count, connections, fields, file)
    used = server.cpu() - before
    if seen.bad:
        raise Failed(f"{path}: {seen.bad} of {seen.count} requests were not answered with 2xx")
    return used / count * 1e6


def bare(run):
    """Microseconds that OpenSSL needs for one HMAC-SHA256 of a signed body's size; None where it cannot tell."""
    if tool("openssl") is None:
        run.left_out["openssl"] = missing("openssl")
        return None
    command = [
        tool("taskset"),
        "-c",
        run.proxy,
        tool("openssl"),
        "speed",
        "-seconds",
        "2",
        "-bytes",
        str(SIGNED),
        "-hmac",
        "sha256",
    ]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(r"([\d.]+)k\s*$", text)
    return SIGNED / (float(found.group(1)) * 1000) * 1e6 if found else None


# What it says


def show(measured):
    rounds = measured["rounds"]
    names = [name for name in PROXIES if name in figures.subjects(rounds)]
    header = [
        "",
        *(f"{name}, {unit}" for name in names for unit in ("µs", "ns/byte")),
        *(f"countersign × {name}" for name in names[1:]),
    ]
    cells = [("no body", "down 0", 0)]
    cells += [
        (f"{way} {size_name(size)}", f"{key} {size}", size)
        for way, key in (("download", "down"), ("upload", "up"))
        for size in measured["sizes"]
    ]
    text = [
        picture("bodies", "CPU per request with bodies, as a multiple of nginx's"),
        "",
        lines(header, [row(rounds, names, *cell) for cell in cells]),
        "",
        *signed(measured),
    ]
    return Shown("\n".join(text), {"bodies": chart(rounds, names, cells)} if "nginx" in names else {})


def size_name(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


def row(rounds, names, label, key, size):
    parts = [label]
    for name in names:
        found = figures.of(rounds, name, key)
        parts.append(figures.number(found.median) if found else "–")
        parts.append(figures.number(found.median * 1000 / size) if found and size else "–")
    return parts + [figures.show(figures.ratio(rounds, "countersign", name, key), 2) for name in names[1:]]


def signed(measured):
    rounds, streamed = measured["rounds"], f"up {SIGNED}"
    text = ["A signature over a body of 64 KiB, which is held until it is verified:", ""]
    for name, plain in (("countersign-signed", "countersign"), ("haproxy-signed", "haproxy")):
        found, without = figures.of(rounds, name, "signed"), figures.of(rounds, plain, streamed)
        if found and without:
            text.append(
                f"- {name}: {figures.show(found, 1)} µs a request, {figures.number(without.median, 1)} µs streamed "
                f"and unsigned; {figures.number(found.median - without.median, 1)} µs between them"
            )
    both = [each for each in rounds if "countersign-signed" in each and "haproxy-signed" in each]
    ratio = figures.spread([each["countersign-signed"]["signed"] / each["haproxy-signed"]["signed"] for each in both])
    if ratio:
        text.append(f"- countersign-signed costs {figures.show(ratio, 2)} × haproxy-signed")
    if measured["bare"]:
        speed = SIGNED / measured["bare"] / 1000
        text.append(
            f"- HMAC-SHA256 alone over 64 KiB: {measured['bare']:.1f} µs, {speed:.2f} GB/s (`openssl speed -hmac sha256`)"
        )
    return text


def chart(rounds, names, cells):
    groups = [
        Group(
            label,
            [
                Bar(name, figures.ratio(rounds, name, "nginx", key), "ours" if name == "countersign" else "peer")
                for name in names
                if name != "nginx" and figures.ratio(rounds, name, "nginx", key)
            ],
        )
        for label, key, _ in cells
    ]
    return bars(
        "CPU per request with bodies, beside nginx",
        "multiples of nginx, which is 1; whiskers are the range over rounds",
        groups,
    )
