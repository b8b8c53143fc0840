"""The API behind the gateway: it answers whoever reaches it, and knows nothing of keys or signatures."""

import http.server
import json
import signal
import sys

PORT = 9001
LARGEST_BODY = 64 * 1024


class LegacyApi(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413, {"detail": "Too large"})
        body = self.rfile.read(length)
        if self.path != "/verify":
            return self.answer(404, {"detail": "Not found"})
        print(f"served {body.decode(errors='replace')} for device {self.headers.get('X-Device', 'unknown')}")
        self.answer(200, {"status": "Verified"})

    def do_GET(self):
        self.answer(404, {"detail": "Not found"})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """One line a request is enough; do_POST prints it."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = http.server.ThreadingHTTPServer(("", PORT), LegacyApi)
    print(f"listening on {PORT}")
    server.serve_forever()
