"""The drills of the token issuer. Run by `scripts/drill refresh` and `scripts/drill logins`.

refresh: two gateways on one Redis, two on one file of SQLite, and one in memory. ROUNDS times a refresh token is used 50 times at once: one request
gets a new pair. Then the old token comes again, after its grace: the family is dead, the new token with it.

logins: a route is asked at a fixed rate, without and with a storm of logins whose passwords are checked, in alternating rounds.
Its p99 under the storm is at most twice that without. Logins past the queue, and guesses past the limit, are answered 429.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
GRACE = 1.0
CONFIG = """
listen: "127.0.0.1:{port}"
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: a-key-of-more-than-thirty-two-bytes }} }}], issuer: us, audience: api }} }}
issuers: {{ api: {{ tokens: api, refresh: {{ grace: {grace}ms{kept} }} }} }}
users: {{ staff: {{ file: {users} }} }}
upstreams:
  name: {{ login: {{ issuer: api, dangerously_without_password: true, throttle: {{ address: {{ rate: 1000000/h, burst: 100000 }} }} }} }}
  login: {{ login: {{ issuer: api, users: staff, throttle: {{ user: {{ rate: 1/h, burst: 30 }}, address: {{ rate: 1/h, burst: 1000 }} }} }} }}
  refresh: {{ refresh: {{ issuer: api }} }}
  ok: {{ respond: {{ body: ok }} }}
routes:
  - {{ match: {{ path: /name, methods: [POST] }}, public: true, to: name }}
  - {{ match: {{ path: /login, methods: [POST] }}, public: true, to: login }}
  - {{ match: {{ path: /refresh, methods: [POST] }}, public: true, to: refresh }}
  - {{ match: {{ path: /other, methods: [POST] }}, public: true, to: ok }}
limits: {{ password_queue: 8 }}
log: {{ access: off }}
{more}
"""
failed = False


def verdict(good, text):
    global failed
    failed = failed or not good
    print(f"{'ok  ' if good else 'FAIL'} {text}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    def __init__(self, command, port):
        self.port = port
        self.child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(3000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.child.poll() is not None:
                break
            time.sleep(0.01)
        sys.exit(f"{command[0]} does not start")

    def kill(self):
        self.child.kill()
        self.child.wait()


def redis(directory):
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", directory]
    return Process(["redis-server", *options], port)


def gateway(options, directory, more="", kept=""):
    port, users = free_port(), os.path.join(HERE, "../../config/users/staff.yaml")
    path = os.path.join(directory, f"{port}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(port=port, grace=int(GRACE * 1000), users=os.path.abspath(users), more=more, kept=kept))
    return Process([options.binary, "run", "-c", path, "--workers", "2"], port)


class Client:
    """A connection that is kept, on a plain socket: nothing waits for a second segment."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path, document):
        body = json.dumps(document)
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: drill\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.some()
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self.some()
        return int(head.split()[1]), body

    def some(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise OSError("the connection ended")
        return piece


def refresh(options, directory):
    shared = redis(directory)
    store = f'store: {{ redis: {{ url: "redis://127.0.0.1:{shared.port}" }} }}'
    pair = [gateway(options, directory, store) for _ in range(2)]
    table = f', kept_in: {{ sql: {{ url: "sqlite:{directory}/refresh.db" }} }}'
    on_file = [gateway(options, directory, kept=table) for _ in range(2)]
    alone = gateway(options, directory)
    time.sleep(0.5)
    homes = [("two gateways on one Redis", pair), ("two on one file of SQLite", on_file), ("one gateway in memory", [alone])]
    for what, gateways in homes:
        wrong, living = storms(options.rounds, [gateway.port for gateway in gateways])
        verdict(wrong == 0, f"{what}: {options.rounds} tokens used 50 times at once, {wrong} without exactly one new pair")
        verdict(living == 0, f"{what}: {options.rounds} tokens came again, {living} families lived on")
    for process in [*pair, *on_file, alone, shared]:
        process.kill()


def storms(rounds, ports):
    clients = [Client(ports[number % len(ports)]) for number in range(50)]
    wrong = living = 0
    for _ in range(rounds):
        first = json.loads(clients[0].post("/name", {"username": "alice"})[1])["refresh_token"]
        start, answers = threading.Barrier(50), [None] * 50

        def use(number):
            start.wait()
            answers[number] = clients[number].post("/refresh", {"refresh_token": first})

        threads = [threading.Thread(target=use, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = [body for status, body in answers if status == 200]
        wrong += len(good) != 1 or sum(status == 401 for status, _ in answers) != 49
        time.sleep(GRACE + 0.1)
        again = clients[1].post("/refresh", {"refresh_token": first})[0]
        after = clients[0].post("/refresh", {"refresh_token": json.loads(good[0])["refresh_token"]})[0] if good else 0
        living += (again, after) != (401, 401)
    return wrong, living


def logins(options, directory):
    process = gateway(options, directory)
    quiet, stormy, statuses = [], [], []
    for _ in range(options.rounds):
        quiet.append(paced(process.port, options))
        stop, answers = multiprocessing.Event(), multiprocessing.Queue()
        # In a process of its own: what is measured must not wait for the storm's threads.
        storm = multiprocessing.Process(target=storm_of_logins, args=(process.port, stop, answers), daemon=True)
        storm.start()
        time.sleep(1)
        stormy.append(paced(process.port, options))
        stop.set()
        statuses += answers.get(timeout=60)
        storm.join()
    ratios = sorted(with_storm / without for without, with_storm in zip(quiet, stormy))
    print("p99 without", *(f"{p99 * 1e3:.2f}" for p99 in quiet), "ms; with", *(f"{p99 * 1e3:.2f}" for p99 in stormy), "ms")
    verdict(ratios[len(ratios) // 2] <= 2, f"p99 of another route under a storm of logins: {ratios[len(ratios) // 2]:.2f} times that without")
    checked, turned_away = statuses.count(200), statuses.count(429)
    verdict(checked > 0 and turned_away > 0 and checked + turned_away == len(statuses),
            f"{len(statuses)} logins: {checked} checked, {turned_away} past the queue answered 429")
    client = Client(process.port)
    guesses = [client.post("/login", {"username": "alice", "password": "guess"})[0] for _ in range(40)]
    verdict(guesses == [401] * 30 + [429] * 10, f"{guesses.count(401)} guesses at one name, then {guesses.count(429)} times 429")
    process.kill()


def paced(port, options):
    """The p99 of a route that is asked at a fixed rate; a request that is late is counted from when it was due."""
    client, waits, start = Client(port), [], time.monotonic()
    for number in range(int(options.seconds * options.rate)):
        due = start + number / options.rate
        time.sleep(max(0.0, due - time.monotonic()))
        status, _ = client.post("/other", {})
        assert status == 200, status
        waits.append(time.monotonic() - due)
    return sorted(waits)[len(waits) * 99 // 100]


def storm_of_logins(port, stop, answers):
    statuses = []
    threads = [threading.Thread(target=log_in, args=(port, stop, statuses)) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(statuses)


def log_in(port, stop, statuses):
    client = Client(port)
    while not stop.is_set():
        status, _ = client.post("/login", {"username": "alice", "password": "wonderland"})
        statuses.append(status)
        # Who is told to come back later does; a client that does not would take the time of what is measured.
        time.sleep(0.2 if status == 429 else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drill", choices=["refresh", "logins"])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--binary", default=os.path.join(HERE, "../../target/release/countersign"))
    options = parser.parse_args()
    options.rounds = options.rounds or {"refresh": 20, "logins": 3}[options.drill]
    with tempfile.TemporaryDirectory() as directory:
        {"refresh": refresh, "logins": logins}[options.drill](options, directory)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
