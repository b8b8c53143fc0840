"""Who is measured: the gateway, its peers, the floors under them; each with its command, port and what it checks."""

import os
from collections import namedtuple

from .machine import missing, nginx_javascript, tool

# `command` is made when it is started. `port` is the one its config names. `kind` is how a request proves itself: open,
# signed, fresh (signed, each request once) or token. `group` is ours, peer or floor.
Subject = namedtuple("Subject", "name command port kind group lacks")

OURS = {
    "countersign-hmac": (9200, "signed"),
    "countersign-jwt": (9201, "token"),
    "countersign-public": (9202, "open"),
    "countersign-hmac-fresh": (9203, "fresh"),
}


# Those of them that are measured once more as scripts/release builds them.
TRAINED = ["countersign-hmac", "countersign-jwt", "countersign-hmac-fresh"]


def ours(run, name, config="bench.yaml", workers=1):
    port, kind = OURS[name]
    return Subject(name, lambda: gateway(run, run.config(config), workers), port, kind, "ours", None)


def trained(run, name):
    def command():
        return gateway(run, run.config("bench.yaml"), binary=run.trained)

    lacks = None
    if not os.access(run.trained, os.X_OK):
        lacks = f"{run.trained} is not there: scripts/release"
    elif os.path.getmtime(run.trained) < os.path.getmtime(run.binary):
        lacks = f"{run.trained} is older than {run.binary}: scripts/release"
    return ours(run, name)._replace(name=f"{name}-trained", command=command, lacks=lacks)


def gateway(run, config, workers=1, binary=None):
    return [binary or run.binary, "run", "-c", config, "--workers", str(workers)]


def floor(run, name, port, kind):
    def command():
        return [run.floor(name), f"127.0.0.1:{run.port(port)}", f"127.0.0.1:{run.port(9001)}"]

    return Subject(name, command, port, kind, "floor", None)


def peer(run, name, port, kind, program, config, arguments, lacks=None):
    def command():
        return [word.replace("@CONFIG@", run.config(config)) for word in [tool(program), *arguments]]

    return Subject(name, command, port, kind, "peer", lacks or (None if tool(program) else missing(program)))


def caddy(run):
    plain = peer(run, "caddy", 9140, "open", "caddy", "Caddyfile", CADDY)
    # One thread of Go code, and its files nowhere but in the run's directory.
    environment = ["env", "GOMAXPROCS=1", f"HOME={run.directory}", f"XDG_DATA_HOME={run.directory}"]
    return plain._replace(command=lambda: [*environment, *plain.command()])


NGINX = ["-c", "@CONFIG@"]
HAPROXY = ["-f", "@CONFIG@"]
ENVOY = ["-c", "@CONFIG@", "--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"]
CADDY = ["run", "--config", "@CONFIG@", "--adapter", "caddyfile"]


def table(run):
    """All of them by name, in the order in which tables show them."""
    no_javascript = None if nginx_javascript() else "nginx has no njs module (libnginx-mod-http-js)"
    every = [
        *(ours(run, name) for name in OURS),
        *(trained(run, name) for name in TRAINED),
        floor(run, "relay", 9102, "open"),
        floor(run, "lean", 9103, "signed"),
        peer(run, "nginx", 9110, "open", "nginx", "nginx.conf", NGINX),
        peer(run, "nginx-hmac", 9111, "signed", "nginx", "nginx-hmac.conf", NGINX, no_javascript),
        peer(run, "haproxy", 9120, "open", "haproxy", "haproxy.cfg", HAPROXY),
        peer(run, "haproxy-hmac", 9121, "signed", "haproxy", "haproxy.cfg", HAPROXY),
        peer(run, "haproxy-jwt", 9122, "token", "haproxy", "haproxy.cfg", HAPROXY),
        peer(run, "haproxy-hmac-fresh", 9121, "fresh", "haproxy", "haproxy.cfg", HAPROXY),
        peer(run, "envoy", 9130, "open", "envoy", "envoy.yaml", ENVOY),
        peer(run, "envoy-jwt", 9131, "token", "envoy", "envoy.yaml", ENVOY),
        caddy(run),
    ]
    return {subject.name: subject for subject in every}
