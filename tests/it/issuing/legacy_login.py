"""An older API's login, as such APIs are. Prints its port, and then each body that it gets, without the password."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PASSWORDS = {"alice": 'wonder"land\\é', "bob": "builder"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == "application/json":
            sent = json.loads(body)
            name, password = sent["user"], sent["pass"]
        else:
            sent = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
            (name,), (password,) = sent["user"], sent["pass"]
        known = name.lower()
        print(known, len(password), self.headers.get("X-App"), flush=True)
        if name == "hang":
            time.sleep(5)
        if name == "Bob":
            time.sleep(2.1)
        if name == "teapot":
            return self.answer(418, {})
        if name == "broken":
            return self.answer(500, {"error": "boom"})
        if name == "busy":
            return self.answer(429, {})
        if name == "liar":
            return self.answer(200, "<html>welcome</html>")
        if name == "large":
            return self.answer(200, {"ok": True, "user": {"name": "large"}, "x": "y" * 100_000})
        if name == "moved":
            return self.answer(302, {}, {"Location": "/home"})
        if PASSWORDS.get(known) != password:
            # Of two kinds: some say no with a status, some in the body.
            return self.answer(200, {"ok": False}) if name == "bob" else self.answer(401, {"error": "no"})
        user = {"name": known, "role": "admin" if known == "alice" else "user", "level": 3, "teams": ["a", "b"]}
        self.answer(200, {"ok": True, "user": user})

    def answer(self, status, body, headers={}):
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
