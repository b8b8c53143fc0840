"""Load, by wrk and h2load, from one processor. Each returns a `Load`; an answer that is not 2xx counts as bad."""

import os
import re
import signal
import subprocess
import tempfile
from collections import namedtuple

from .figures import percentile
from .machine import tool
from .servers import Failed

# Requests answered, how many of them badly, in how many seconds, and latencies in microseconds (or None).
Load = namedtuple("Load", "count bad seconds p50 p99")
# Seconds after which a load is given up.
PATIENCE = 120
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}


def run(command):
    """Output and errors of a command that must end by itself, and soon; it is ended with all it started otherwise."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=PATIENCE)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Failed(f"the load did not end within {PATIENCE} s") from None
        raise


def headers(fields):
    return [word for field in fields for word in ("-H", field)]


def wrk_command(processors, url, seconds, connections, fields=(), script=()):
    command = [
        tool("taskset"),
        "-c",
        processors,
        tool("wrk"),
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        *headers(fields),
    ]
    return [*command, "-s", script[0], url, "--", *script[1:]] if script else [*command, url]


def wrk(*arguments, **more):
    """As many requests as go through, for so long."""
    return read_wrk(*run(wrk_command(*arguments, **more)))


def read_wrk(text, errors=""):
    found = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", text)
    if not found or found.group(1) == "0":
        raise Failed(f"no request was answered: {(errors or text).strip()[-300:]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = (int(refused.group(1)) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0)
    seconds = float(found.group(2)) * UNITS[found.group(3)] / 1e6
    return Load(int(found.group(1)), bad, seconds, latency(text, 50), latency(text, 99))


def latency(text, percent):
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\b", text, re.M)
    return float(found.group(1)) * UNITS[found.group(2)] if found else None


def counted(processors, url, count, connections, fields=(), body=None):
    """So many requests exactly; with a file as `body` they post it."""
    command = [
        tool("taskset"),
        "-c",
        processors,
        tool("h2load"),
        "--h1",
        "-t1",
        f"-c{connections}",
        f"-n{count}",
        *headers(fields),
        *(["-d", body] if body else []),
        url,
    ]
    text, _ = run(command)
    seconds = re.search(r"finished in ([\d.]+)(us|ms|s|m)\b", text)
    good = re.search(r"status codes: (\d+) 2xx", text)
    if not seconds or not good:
        raise Failed(f"h2load did not finish: {text.strip()[-300:]}")
    taken = float(seconds.group(1)) * UNITS[seconds.group(2)] / 1e6
    return Load(count, count - int(good.group(1)), taken, None, None)


def at_rate(processors, url, seconds, rate, fields=()):
    """So many requests a second, whatever the answers take, for so long.

    h2load paces each connection in steps of 10 ms and sends what is due at once. So there are enough connections that
    seldom more than one request is due, and they begin apart, or bursts would be measured."""
    connections = max(64, rate // 80)
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as directory:
        log = os.path.join(directory, "log")
        run(
            [
                tool("taskset"),
                "-c",
                processors,
                tool("h2load"),
                "--h1",
                "-t1",
                f"-c{connections}",
                f"-n{rate * seconds}",
                f"-r{-(-connections // 10)}",
                "--rate-period=1ms",
                f"--rps={rate / connections:g}",
                f"--log-file={log}",
                *headers(fields),
                url,
            ]
        )
        if not os.path.exists(log):
            raise Failed("h2load at a fixed rate did not begin")
        with open(log) as file:
            rows = [line.split() for line in file]
    rows = [row for row in rows if len(row) == 3]
    times = sorted(int(row[2]) for row in rows)
    if not times:
        raise Failed("h2load at a fixed rate got no answer")
    bad = sum(not row[1].startswith("2") for row in rows)
    taken = (int(rows[-1][0]) - int(rows[0][0])) / 1e6
    return Load(len(times), bad, taken or seconds, percentile(times, 0.5), percentile(times, 0.99))
