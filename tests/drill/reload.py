"""The drill of reloads: the config changes under load, and nobody notices. Run by `scripts/drill reload`.

RELOADS times the config is put anew and POST /reload asked, while RATE requests a second come, three quarters of
them on kept connections, the others each on a new one, through to an upstream. Every answer must be a 200, every reload
must be taken on, and memory must be flat after the first ten reloads.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOKEN = "a-token-for-drills-of-more-than-32-bytes"
CLIENTS = 8
# KiB that memory may grow by after the first ten reloads.
FLAT = 4 * 1024

CONFIG = """# {note}
listen: "127.0.0.1:{gateway}"
admin: {{ address: "127.0.0.1:{admin}", token: {token} }}
upstreams: {{ app: {{ servers: ["http://127.0.0.1:{upstream}"] }} }}
routes: [{{ match: {{ path: "/**" }}, public: true, to: app, set_headers: {{ X-Note: "{note}" }} }}]
log: {{ access: off }}
"""


class Upstream(socketserver.StreamRequestHandler):
    """Answers each head with a 200."""

    connections = 0

    def handle(self):
        Upstream.connections += 1
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def client(port, keeps, pause, until, results):
    """Requests until the time is up; how many, how many failed, and the slowest."""
    connection, count, failed, slowest = None, 0, 0, 0.0
    due = time.monotonic()
    while time.time() < until:
        begun = time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            failed += 1
            connection = None
        if connection and not keeps:
            connection.close()
            connection = None
        count += 1
        slowest = max(slowest, time.monotonic() - begun)
        due += pause
        time.sleep(max(0.0, due - time.monotonic()))
    results.put((count, failed, slowest))


def resident(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def ask_reload(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/reload", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def wait_for(port):
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit("the gateway does not listen")


def reload_drill(options):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    server.request_queue_size = 128
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {"gateway": free_port(), "admin": free_port(), "upstream": server.server_address[1]}
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "gateway.yaml")

        def put(note):
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(CONFIG.format(note=note, token=TOKEN, **ports))
            os.rename(path + ".new", path)

        put("start")
        events = open(os.path.join(directory, "events"), "w+b")
        gateway = subprocess.Popen([options.binary, "run", "-c", path], stdout=events, stderr=events)
        try:
            wait_for(ports["gateway"])
            return under_load(options, ports, put, gateway)
        finally:
            gateway.terminate()
            gateway.wait(40)


def under_load(options, ports, put, gateway):
    results = multiprocessing.Queue()
    until = time.time() + options.seconds
    pause = CLIENTS / options.rate
    clients = [
        multiprocessing.Process(target=client, args=(ports["gateway"], n % 4 != 0, pause, until, results), daemon=True)
        for n in range(CLIENTS)
    ]
    for process in clients:
        process.start()
    refused, slowest, memory, before = 0, 0.0, [], None
    for number in range(options.reloads):
        time.sleep(max(0.0, until - time.time()) / (options.reloads - number + 1))
        put(f"reload-{number}")
        begun = time.monotonic()
        status, _ = ask_reload(ports["admin"])
        slowest = max(slowest, time.monotonic() - begun)
        refused += status != 200
        memory.append(resident(gateway))
        before = before or descriptors(gateway)
    counts = [results.get(timeout=options.seconds + 30) for _ in clients]
    requests, failed = sum(count for count, _, _ in counts), sum(failed for _, failed, _ in counts)
    growth = memory[-1] - memory[min(9, len(memory) - 1)]
    print(f"{requests} requests, {requests / options.seconds:.0f} a second; slowest {max(c[2] for c in counts) * 1e3:.0f} ms")
    print(f"{options.reloads} reloads asked for, the slowest {slowest * 1e3:.0f} ms; memory {memory[0]} to {memory[-1]} KiB")
    print(f"{Upstream.connections} connections to the upstream; descriptors {before} to {descriptors(gateway)}")
    verdicts = [
        ("no request failed", failed == 0, failed),
        ("every reload was taken on", refused == 0, refused),
        ("memory is flat", growth <= FLAT, f"{growth} KiB"),
    ]
    for what, holds, value in verdicts:
        print(f"{'ok  ' if holds else 'FAIL'} {what} ({value})")
    return all(holds for _, holds, _ in verdicts)


def main():
    parser = argparse.ArgumentParser(prog="scripts/drill reload")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--reloads", type=int, default=50)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--binary", default=os.path.join(HERE, "../../target/release/countersign"))
    sys.exit(0 if reload_drill(parser.parse_args()) else 1)


if __name__ == "__main__":
    main()
