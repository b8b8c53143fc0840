"""Memory of a connection that waits: each has had one request forwarded, and is then kept open."""

import resource
import socket
import time

from .. import figures
from ..chart import Bar, Group, bars
from ..servers import Failed
from ..subjects import gateway
from . import Shown, lines, picture

TITLE = "Memory of an idle connection"
NEEDS = ["taskset", "nginx"]
NAMES = ["countersign-public", "nginx", "haproxy"]
CONNECTIONS, FEWEST, MOST_ROUNDS = 9000, 1000, 3
# Each proxy may open so many files where the system allows it. The gateway lets half as many clients in, and where
# nineteen in twenty of those that it lets in are there it closes idle ones: what is held has to stay below that.
FILES, LET_IN = 24_000, 11_000


def estimate(run):
    return min(run.rounds, MOST_ROUNDS) * len(NAMES) * 6


def measure(run):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES if before[1] == resource.RLIM_INFINITY else min(before[1], FILES)
    count = fitting(files)
    if count < FEWEST:
        raise Failed(f"{before[1]} open files (ulimit -Hn) are too few for idle connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
    try:
        return {"rounds": rounds(run, count), "connections": count}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def fitting(files):
    """How many connections can idle, in whole hundreds; less than the 9,000 that are wanted where files are few."""
    return min(CONNECTIONS, (files // 2 - 100) * 19 // 2000 * 100)


def wide(run, subject):
    """Ours, with room for more clients than are let in by default."""
    limits = f"limits: {{ connections: {LET_IN} }}\n"
    return subject._replace(command=lambda: gateway(run, run.config("bench.yaml", lambda text: text + limits)))


def rounds(run, count):
    subjects, found = run.present(*NAMES), []
    subjects = [wide(run, subject) if subject.group == "ours" else subject for subject in subjects]
    with run.origin():
        for number in range(min(run.rounds, MOST_ROUNDS)):
            found.append({})
            for subject in subjects:
                with run.measuring(f"{subject.name}, round {number + 1}"), run.server(subject) as server:
                    found[-1][subject.name] = hold(run.port(subject.port), server, count)
                    run.say(f"  round {number + 1}: {subject.name:20} {found[-1][subject.name]['each']:.2f} KiB")
    return found


def hold(port, server, count):
    # What a first few hundred connections need is the server's own, and is there from then on.
    for each in opened(port, 200):
        each.close()
    time.sleep(0.5)
    before, held = server.resident(), opened(port, count)
    try:
        time.sleep(1)
        after = server.resident()
        check(held)
    finally:
        for each in held:
            each.close()
    return {"before": before, "after": after, "each": (after - before) / count}


def opened(port, count):
    """So many connections, one after the other, each of which was answered once."""
    held = []
    try:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), 10)
            held.append(client)
            client.sendall(b"GET /device/status HTTP/1.1\r\nHost: bench.example\r\n\r\n")
            if not client.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Failed(f"connection {len(held)} was not answered with 200")
    except (OSError, Failed) as error:
        for each in held:
            each.close()
        raise Failed(f"only {len(held)} connections: {error}") from error
    return held


def check(held):
    """All are still open: a server that closed some would look thrifty."""
    closed = 0
    for each in held:
        each.setblocking(False)
        try:
            closed += each.recv(1) == b""
        except BlockingIOError:
            pass
    if closed:
        raise Failed(f"{closed} of {len(held)} connections were closed by the server")


def show(measured):
    found = measured["rounds"]
    names = figures.subjects(found)
    rows = []
    for name in names:
        whole = [figures.number(figures.of(found, name, figure).median / 1024, 1) for figure in ("before", "after")]
        ratio = figures.show(figures.ratio(found, name, "nginx", "each"), 2)
        rows.append([name, *whole, figures.show(figures.of(found, name, "each"), 2), ratio])
    header = ["", "MiB before", f"MiB with {measured['connections']:,}", "KiB each", "× nginx"]
    chart = bars(
        "Resident memory per idle connection",
        "KiB; the kernel's socket buffers are not in it",
        [
            Group(
                "",
                [
                    Bar(name, figures.of(found, name, "each"), "ours" if name.startswith("countersign") else "peer")
                    for name in names
                ],
            )
        ],
    )
    text = [
        picture("idle", "Resident memory per idle connection"),
        "",
        lines(header, rows),
        "",
        f"{measured['connections']:,} kept connections that had one request each. nginx reserves some of what a "
        "connection needs at its start, so that it is in the first column and not in the third.",
    ]
    return Shown("\n".join(text), {"idle": chart})
