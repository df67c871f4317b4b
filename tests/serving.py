"""A server on this machine with files that arrive whole, break off, or are wrong."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CONTENT = bytes(range(256)) * 8000  # 2 MB: several blocks
SHA = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; the path says with which fault. ``requests`` are the ranges asked for."""

    def __init__(self, requests, *arguments):
        self.requests = requests
        super().__init__(*arguments)

    def do_GET(self):
        asked = self.headers.get("Range")
        self.requests.append((self.path, asked))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
            return
        if self.path == "/gone":
            self.send_error(404)
            return
        content = b"<html>not weights</html>" if self.path == "/wrong" else CONTENT
        start = int(asked[6:-1]) if asked and self.path != "/no-ranges" else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        first_try = sum(path == self.path for path, _ in self.requests) == 1
        broken = self.path in ("/breaks", "/no-ranges") and first_try
        self.wfile.write(content[start : start + 700_000] if broken else content[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    requests = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, requests))
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    made.requests = requests
    made.at = lambda path: f"http://127.0.0.1:{made.server_port}/{path}"
    yield made
    made.shutdown()
    made.server_close()
    thread.join()
