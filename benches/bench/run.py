"""One run: its directory, its ports, its servers, and what went wrong. The sections measure through it."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

from . import credentials, load
from .machine import missing, nginx_javascript, tool
from .servers import Failed, Server, free_ports
from .subjects import table

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.realpath(os.path.join(HERE, "../.."))
PEERS = os.path.join(TREE, "benches/peers")
FLOORS = os.path.join(TREE, "benches/floors")
ORIGIN = 9001
ACCESS_LOG = "/tmp/countersign-bench-access.log"
PATH = "/device/status"
# Requests signed ahead for each second in which none may be sent twice; those of the first are for the warm-up.
A_SECOND = 300_000


class Run:
    """`proxy` is pinned to one processor; the origin and the load share another."""

    proxy, other = "0", "1"
    connections = 64

    def __init__(self, options, directory):
        self.binary, self.rounds, self.seconds = os.path.realpath(options.binary), options.rounds, options.seconds
        self.trained = os.path.join(TREE, "target/trained/countersign")
        self.directory, self.ports, self.left_out, self.failures = directory, {}, {}, []
        self.subjects = table(self)

    # What is written down.

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def begin(self):
        """A new section: nothing left out, nothing failed."""
        self.left_out, self.failures = {}, []

    def failed(self, text):
        self.failures.append(text)
        self.say(f"  FAILED: {text}")

    def present(self, *names):
        """Those that are installed; the others are named once, and in the figures."""
        for name in names:
            reason = self.subjects[name].lacks
            if reason and name not in self.left_out:
                self.left_out[name] = reason
                self.say(f"  {name} is left out: {reason}")
        return [self.subjects[name] for name in names if not self.subjects[name].lacks]

    def needs(self, *programs):
        absent = [missing(program) for program in programs if tool(program) is None]
        if absent:
            raise Failed("; ".join(absent))

    # Files and ports.

    def path(self, name):
        return os.path.join(self.directory, name)

    def port(self, named):
        """The free port that stands for one named in a config."""
        if named not in self.ports:
            self.ports[named] = free_ports(1)[0]
        return self.ports[named]

    def moved(self, text):
        """A config with its ports moved to free ones, and its files to the run's directory."""
        text = text.replace("@DIR@", self.directory).replace("@NJS@", nginx_javascript() or "")
        text = text.replace(ACCESS_LOG, self.access_log())
        return re.sub(r"(127\.0\.0\.1:|port_value: )(\d+)", lambda m: m[1] + str(self.port(int(m[2]))), text)

    def access_log(self):
        """Not beside the config, for a gateway looks at what happens in the directories of its files."""
        os.makedirs(self.path("log"), exist_ok=True)
        return self.path("log/access.log")

    def config(self, name, change=lambda text: text):
        """Writes a config into the run's directory; its path. `bench.yaml` is the one in config/."""
        source = os.path.join(TREE, "config", name) if name == "bench.yaml" else os.path.join(PEERS, name)
        if name == "nginx-hmac.conf":
            shutil.copy(os.path.join(PEERS, "nginx-hmac.js"), self.directory)
        with open(source) as file:
            return self.write(name, change(self.moved(file.read())))

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def floor(self, name):
        """The path of a floor's program. Built where it is not there or older than its source."""
        built, sources = os.path.join(FLOORS, "target/release", name), [os.path.join(FLOORS, "src/lib.rs")]
        sources += [os.path.join(FLOORS, "src/bin", f"{name}.rs"), os.path.join(FLOORS, "Cargo.lock")]
        if not os.path.exists(built) or any(os.path.getmtime(source) > os.path.getmtime(built) for source in sources):
            self.say("  building benches/floors")
            manifest = os.path.join(FLOORS, "Cargo.toml")
            done = subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest])
            if done.returncode != 0 or not os.path.exists(built):
                raise Failed("benches/floors did not build")
            os.utime(built)
        return built

    # Servers.

    def url(self, subject, path=PATH):
        return f"http://127.0.0.1:{self.port(subject.port)}{path}"

    def server(self, subject, processors=None, around=(), patience=20):
        """The subject, started afresh; `around` is put before its command."""
        if os.path.exists(self.access_log()):
            os.remove(self.access_log())
        command = [*around, *subject.command()]
        log = self.path(f"{subject.name}.log")
        return Server(subject.name, command, self.port(subject.port), processors or self.proxy, log, patience)

    def origin(self):
        """The origin of all but bodies: nginx with one short answer."""
        self.needs("nginx")
        command = [tool("nginx"), "-c", self.config("nginx-origin.conf")]
        return Server("origin", command, self.port(ORIGIN), self.other, self.path("origin.log"))

    def sink(self):
        """The origin of bodies."""
        address = f"127.0.0.1:{self.port(ORIGIN)}"
        return Server("sink", [self.floor("sink"), address], self.port(ORIGIN), self.other, self.path("sink.log"))

    @contextmanager
    def measuring(self, what):
        """What fails inside is told, and the rest of the run goes on."""
        try:
            yield
        except Failed as failure:
            self.failed(f"{what}: {failure}")

    # Load.

    def wrk(self, subject, seconds, connections=None, fresh_from=0, path=PATH):
        fields, script = credentials.fields(subject.kind), ()
        if subject.kind == "fresh":
            script = (self.fresh_script(), self.presigned(), str(fresh_from))
        url = self.url(subject, path)
        return load.wrk(self.other, url, seconds, connections or self.connections, fields=fields, script=script)

    def fresh_script(self):
        return self.write("fresh.lua", credentials.FRESH)

    def presigned(self):
        path = self.path("presigned")
        if not os.path.exists(path):
            credentials.presign(path, A_SECOND * (1 + self.seconds))
        return path

    def cost(self, subject, server, seconds=None, connections=None, path=PATH, warm=1):
        """One measurement after a warm-up: CPU of the server in microseconds a request, and what wrk saw."""
        self.wrk(subject, warm, connections, path=path)
        before = server.cpu()
        seen = self.wrk(subject, seconds or self.seconds, connections, A_SECOND, path)
        used = server.cpu() - before
        if seen.bad:
            raise Failed(f"{seen.bad} of {seen.count} requests were not answered with 2xx")
        return {
            "us": used / seen.count * 1e6,
            "rps": seen.count / seen.seconds,
            "p50": seen.p50,
            "p99": seen.p99,
            "rss": server.resident(),
        }
