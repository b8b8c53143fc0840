"""Packages of Node, asked through one worker that reads and writes lines of JSON."""

import json
import subprocess


class Node:
    def __init__(self, home):
        self.home, self.process = home, None

    def version(self, package):
        with open(self.home / "node_modules" / package / "package.json", encoding="utf-8") as file:
            return f"{package}@{json.load(file)['version']}"

    def ask(self, what, **arguments):
        if self.process is None:
            command = ["node", "--no-warnings", self.home / "worker.mjs"]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(json.dumps({"what": what, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"Node's worker ended at {what}")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{what}: {answer['error']}")
        return answer["value"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)


def asked(request):
    """A request as the worker wants it."""
    fields = {name.lower(): value for name, value in request.headers}
    body = request.body.decode()
    return {"method": request.method, "url": request.url(), "target": request.target, "headers": fields, "body": body}
