"""Which system calls a request makes, as strace counts them."""

import re
import signal
import subprocess
import time

from .. import credentials, figures, load
from ..chart import Bar, Group, bars
from ..machine import tool
from ..servers import Failed
from . import Shown, lines, picture

TITLE = "System calls per request"
NEEDS = ["taskset", "h2load", "nginx", "strace"]
NAMES = ["countersign-hmac", "countersign-public", "relay", "lean", "nginx", "haproxy-hmac", "envoy", "caddy"]
COUNTED = 5000
# Calls rarer than this a request are one sum.
RARE = 0.02


def estimate(run):
    return len(NAMES) * 4


def measure(run):
    counts = {}
    with run.origin():
        for subject in run.present(*NAMES):
            with run.measuring(subject.name), run.server(subject) as server:
                counts[subject.name] = count(run, subject, server)
                run.say(f"  {subject.name:20} {sum(counts[subject.name].values()):.2f}")
    groups = {name: run.subjects[name].group for name in counts}
    return {"counts": counts, "counted": COUNTED, "connections": run.connections, "groups": groups}


def count(run, subject, server):
    fields, url = credentials.fields(subject.kind), run.url(subject)
    load.counted(run.other, url, 1000, run.connections, fields)
    pids = [word for pid in server.pids() for word in ("-p", str(pid))]
    table = run.path("strace")
    watcher = subprocess.Popen(
        [tool("strace"), "-c", "-f", "-U", "name,calls", "-o", table, *pids],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        attached(server)
        seen = load.counted(run.other, url, COUNTED, run.connections, fields)
    finally:
        watcher.send_signal(signal.SIGINT)
        try:
            watcher.wait(10)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait()
    if seen.bad:
        raise Failed(f"{seen.bad} of {seen.count} requests were not answered with 2xx")
    with open(table) as file:
        calls = {
            name: int(number) / COUNTED for name, number in re.findall(r"^\s*([a-z]\w*)\s+(\d+)\s*$", file.read(), re.M)
        }
    calls.pop("total", None)
    if not calls:
        raise Failed("strace counted nothing; may it attach here?")
    return calls


def attached(server):
    """Waits until every thread is traced."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if all(traced(pid) for pid in server.pids()):
            return
        time.sleep(0.02)
    raise Failed("strace could not attach (kernel.yama.ptrace_scope?)")


def traced(pid):
    with open(f"/proc/{pid}/status") as file:
        return not re.search(r"TracerPid:\s+0\b", file.read())


def show(measured):
    counts, groups = measured["counts"], measured["groups"]
    common = sorted({call for calls in counts.values() for call, often in calls.items() if often >= RARE})
    rows = [
        [call, *(figures.number(calls[call], 2) if call in calls else "–" for calls in counts.values())]
        for call in common
    ]
    rare = [sum(often for call, often in calls.items() if call not in common) for calls in counts.values()]
    rows.append(["rarer ones", *(figures.number(each, 2) for each in rare)])
    rows.append(["all", *(figures.number(sum(calls.values()), 2) for calls in counts.values())])
    chart = bars(
        "System calls per request",
        "calls, counted by strace",
        [Group("", [Bar(name, figures.spread([sum(calls.values())]), groups[name]) for name, calls in counts.items()])],
    )
    text = [
        picture("syscalls", "System calls per request"),
        "",
        lines(["", *counts], rows),
        "",
        f"{measured['counted']:,} requests over {measured['connections']} connections; traced servers are slow, so more "
        "is ready at each wake-up than there would be without strace, and waits are rarer.",
    ]
    return Shown("\n".join(text), {"syscalls": chart})
