"""A server that a run started: pinned to its processors, waited for, watched, and ended whatever happens."""

import os
import re
import signal
import socket
import subprocess
import time

from .machine import tool


class Failed(Exception):
    """Something that the run needs did not work; the text is for the person who started it."""


def reachable(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Server:
    """`with Server(…) as server:` it answers on its port inside, and is gone after. It has a session of its own, so
    that it and what it starts can be told from everything else, and Ctrl-C reaches this script alone."""

    def __init__(self, name, command, port, processors, log, patience=20):
        self.name, self.port, self.log, self.patience = name, port, log, patience
        self.command = [tool("taskset"), "-c", processors, *command]

    def __enter__(self):
        if reachable(self.port):
            raise Failed(f"{self.name}: port {self.port} is taken by something else")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def wait(self):
        deadline = time.monotonic() + self.patience
        while not reachable(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name} did not start: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self):
        with open(self.log, errors="replace") as file:
            return " | ".join(file.read().split("\n")[-6:]).strip(" |") or "it said nothing"

    def stop(self):
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if self.gone():
                return

    def gone(self):
        """Workers may outlive their master for a moment, and their port with them."""
        deadline = time.monotonic() + 2
        while self.pids() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.pids()

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        """All processes of its session that still run."""
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and session(entry) == self.pid]

    def cpu(self):
        """Seconds of user and system time of all its threads so far."""
        return sum(thread_time(pid) for pid in self.pids())

    def resident(self):
        """Resident memory in KiB, with what its processes share counted in each."""
        return sum(resident(pid) for pid in self.pids())


def session(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, _, _, number = file.read().rsplit(")", 1)[1].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(number)


def thread_time(pid):
    """In nanoseconds from the scheduler: the ticks in /proc/PID/stat are 10 ms each, too coarse for short runs."""
    total = 0
    for thread in entries(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


def entries(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def resident(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            found = re.search(r"VmRSS:\s+(\d+)", file.read())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found.group(1)) if found else 0
