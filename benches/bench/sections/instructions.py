"""Instructions and cycles per request: perf counts both in user space and in the kernel, callgrind in user space."""

import glob
import os
import re
import subprocess

from .. import credentials, figures, load
from ..chart import Bar, Group, bars
from ..machine import missing, tool
from ..servers import Failed
from . import Shown, lines, picture

TITLE = "Instructions per request"
NEEDS = ["taskset", "wrk", "h2load", "nginx"]
EVENTS = ["instructions:u", "instructions:k", "cycles:u", "cycles:k"]
CALLGRIND = [
    "countersign-hmac",
    "countersign-jwt",
    "countersign-public",
    "countersign-hmac-trained",
    "countersign-jwt-trained",
    "relay",
    "lean",
    "nginx",
    "haproxy",
    "haproxy-hmac",
    "haproxy-jwt",
]
# perf changes little from one round to the next.
MOST_ROUNDS, COUNTED = 3, 2000


def estimate(run):
    return min(run.rounds, MOST_ROUNDS) * len(run.subjects) * (run.seconds + 1.8) + len(CALLGRIND) * 7


def measure(run):
    with run.origin():
        rounds, groups = counters(run)
        return {"rounds": rounds, "groups": groups, "callgrind": callgrind(run), "counted": COUNTED}


# perf


def counters(run):
    subjects = (
        [] if unable(run) else run.present(*(name for name in run.subjects if run.subjects[name].kind != "fresh"))
    )
    rounds = []
    for number in range(min(run.rounds, MOST_ROUNDS)):
        rounds.append({})
        for subject in subjects:
            with run.measuring(f"perf: {subject.name}, round {number + 1}"), run.server(subject) as server:
                rounds[-1][subject.name] = count(run, subject, server)
                shown = {event: round(value) for event, value in rounds[-1][subject.name].items()}
                run.say(f"  perf, round {number + 1}: {subject.name:20} {shown}")
    return rounds, {subject.name: subject.group for subject in subjects}


def unable(run):
    """Whether perf cannot count here, as in many virtual machines and for unprivileged users; then it is left out."""
    reason = missing("perf") if tool("perf") is None else None
    if reason is None:
        done = subprocess.run(
            [tool("perf"), "stat", "-x,", "-e", ",".join(EVENTS), "true"], capture_output=True, text=True
        )
        if done.returncode != 0 or len(read(done.stderr)) < len(EVENTS):
            reason = "it cannot count instructions here (no counters in this machine, or kernel.perf_event_paranoid)"
    if reason:
        run.left_out["perf"] = reason
        run.say(f"  perf is left out: {reason}")
    return reason is not None


def count(run, subject, server):
    run.wrk(subject, 1)
    pids = ",".join(map(str, server.pids()))
    watched = [tool("perf"), "stat", "-x,", "-e", ",".join(EVENTS), "-p", pids, "--"]
    fields = credentials.fields(subject.kind)
    command = load.wrk_command(run.other, run.url(subject), run.seconds, run.connections, fields)
    output, errors = load.run([*watched, *command])
    seen, counts = load.read_wrk(output, errors), read(errors)
    if seen.bad or len(counts) < len(EVENTS):
        raise Failed(f"{seen.bad} bad answers, {len(counts)} of {len(EVENTS)} events counted")
    return {event: value / seen.count for event, value in counts.items()}


def read(text):
    rows = [line.split(",") for line in text.splitlines()]
    return {row[2]: int(row[0]) for row in rows if len(row) > 2 and row[0].isdigit() and row[2] in EVENTS}


# callgrind


def callgrind(run):
    if tool("valgrind") is None or tool("callgrind_control") is None:
        run.left_out["callgrind"] = missing("valgrind")
        run.say("  callgrind is left out: " + missing("valgrind"))
        return {}
    counts = {}
    for subject in run.present(*CALLGRIND):
        with run.measuring(f"callgrind: {subject.name}"):
            counts[subject.name] = simulate(run, subject)
            run.say(f"  callgrind: {subject.name:20} {counts[subject.name]:,.0f}")
    return counts


def simulate(run, subject):
    """Instructions of COUNTED requests in a row, without those of start and end."""
    for old in glob.glob(run.path("callgrind.out.*")):
        os.remove(old)
    around = [
        tool("valgrind"),
        "--tool=callgrind",
        "--instr-atstart=no",
        f"--callgrind-out-file={run.path('callgrind.out.%p')}",
    ]
    command = subject.command
    if subject.name.startswith("nginx"):
        # One process, or the counting would have to find the worker.
        subject = subject._replace(command=lambda: [*command(), "-g", "master_process off;"])
    with run.server(subject, around=around, patience=90) as server:
        send(run, subject, 300)
        control(server, "-i", "on")
        send(run, subject, COUNTED)
        control(server, "-i", "off")
        # Now, for not every server ends in a way that lets callgrind write.
        control(server, "--dump")
        instructions = sum(map(total, glob.glob(run.path("callgrind.out.*"))))
    if instructions == 0:
        raise Failed("callgrind wrote no counts")
    return instructions / COUNTED


def send(run, subject, count):
    seen = load.counted(run.other, run.url(subject), count, 4, credentials.fields(subject.kind))
    if seen.bad:
        raise Failed(f"{seen.bad} of {seen.count} requests were not answered with 2xx")


def control(server, *what):
    done = subprocess.run(
        [tool("callgrind_control"), *what, str(server.pid)], capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise Failed(f"callgrind_control: {(done.stderr or done.stdout).strip()[-200:]}")


def total(path):
    with open(path, errors="replace") as file:
        found = re.findall(r"^(?:summary|totals):\s+(\d+)", file.read(), re.M)
    return max(map(int, found), default=0)


# What it says


def show(measured):
    rounds, simulated = measured["rounds"], measured["callgrind"]
    names = figures.subjects(rounds) or list(simulated)
    rows = []
    for name in names:
        counts = [figures.of(rounds, name, event) for event in EVENTS]
        cells = [figures.number(each.median, 0) if each else "–" for each in counts]
        both = figures.number(counts[2].median + counts[3].median, 0) if counts[2] and counts[3] else "–"
        ratio = figures.show(figures.ratio(rounds, name, "haproxy-hmac", "instructions:u"), 2)
        rows.append([name, *cells, both, ratio, figures.number(simulated[name], 0) if name in simulated else "–"])
    header = [
        "",
        "instructions, user",
        "kernel",
        "cycles, user",
        "kernel",
        "cycles, both",
        "user instructions × haproxy-hmac",
        "callgrind, user",
    ]
    text = [
        picture("instructions", "User-space instructions per request"),
        "",
        lines(header, rows),
        "",
        f"perf: median of {len(rounds)} measurements. callgrind: {measured['counted']:,} requests over 4 connections, and a "
        "processor without instructions for SHA and without AVX-512, so that hashing costs more there than it does.",
    ]
    return Shown("\n".join(text), {"instructions": chart(rounds, measured["groups"], simulated)})


def chart(rounds, groups, simulated):
    title = "User-space instructions per request"
    if any(rounds):
        every = [Bar(name, figures.of(rounds, name, EVENTS[0]), groups[name]) for name in figures.subjects(rounds)]
        return bars(title, "instructions, counted by perf", [Group("", every)])
    group = {"relay": "floor", "lean": "floor"}
    every = [
        Bar(name, figures.spread([value]), "ours" if name.startswith("countersign") else group.get(name, "peer"))
        for name, value in simulated.items()
    ]
    return bars(title, "instructions, counted by callgrind", [Group("", every)])
