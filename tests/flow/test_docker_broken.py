"""Registries that fail inside an answer 200, or refuse: nothing is touched, and
the row says whether it is tried again.
"""
import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rig.drive import check_only, drive, drive_program, put, ref  # noqa: F401

TYPES = "application/vnd.docker.distribution.manifest"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry(BaseHTTPRequestHandler):
    """One image, and what is wrong with it is the repository's name."""
    protocol_version = "HTTP/1.1"
    layer = b"layer" * 100
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
        "type": "layers", "diff_ids": [digest(b"x")]}}).encode()
    image = json.dumps({"schemaVersion": 2, "mediaType": TYPES + ".v2+json",
                        "config": {
                            "mediaType": "application/vnd.docker.container."
                            "image.v1+json", "size": len(config),
                            "digest": digest(config)},
                        "layers": [{
                            "mediaType": "application/vnd.docker.image.rootfs"
                            ".diff.tar.gzip", "size": len(layer),
                            "digest": digest(layer)}]}).encode()
    index = json.dumps({"schemaVersion": 2, "mediaType":
                        TYPES + ".list.v2+json", "manifests": [{
                            "mediaType": TYPES + ".v2+json",
                            "digest": digest(image), "size": len(image),
                            "platform": {"os": "plan9",
                                         "architecture": "mips"}}]}).encode()

    def handle(self):
        # containerd tries TLS first: a plain server has to say so.
        if self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        else:
            super().handle()

    def do_GET(self):
        parts = self.path.split("/")
        kind = parts[2] if len(parts) > 3 else ""
        if kind == "limit":
            self.give(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":'
                      b'"You have reached your pull rate limit"}]}')
        elif kind == "denied":
            self.give(401, b'{"errors":[{"code":"UNAUTHORIZED","message":'
                      b'"authentication required"}]}')
        elif kind == "broken":
            self.give(503, b"try later", "text/plain")
        elif "manifests" in parts and kind == "none":
            self.give(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":'
                      b'"manifest unknown"}]}')
        elif "manifests" in parts:
            wrong = kind == "platform"
            self.give(200, self.index if wrong else self.image, TYPES + (
                ".list.v2+json" if wrong else ".v2+json"))
        elif parts[-1] == digest(self.config):
            self.give(200, self.config)
        elif "blobs" in parts and kind == "corrupt":
            self.give(200, b"L" + self.layer[1:])
        elif "blobs" in parts:
            self.give(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        else:
            self.give(200, b"{}")

    do_HEAD = do_GET

    def give(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 200 and b"schemaVersion" in body:
            self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def broken():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind,retry,says", [
    ("missing", True, "blob|not found"),
    ("corrupt", True, "verification failed|digest"),
    ("platform", False, "no matching manifest"),
    ("limit", True, "pull rate limit|toomanyrequests|429 Too Many Requests"),
    ("denied", False, "unauthorized|denied|authentication"),
    ("broken", True, "503|unexpected|unavailable|try later"),
    ("none", True, "unknown|not found"),
    ("down", True, "refused"),
])
def test_pull_fails(drive, engine, broken, kind, retry, says):
    d = drive("drv-broken")
    put(d, "v1")
    old = engine.run(d.name, ref(d, "v1"))
    before = engine.inspect(old)["State"]
    d.push("v2", registry=broken if kind != "down" else "127.0.0.1:1",
           repository=f"{kind}/app")
    r = d.deploy(rule=f"{kind}/app")
    assert (r["status"], r["retry"]) == ("failed", retry), r
    assert any(w in r["reason"] for w in says.split("|")), r
    c = check_only(engine, d.name, "v1")
    assert (c["Id"], c["State"]) == (old, before)
    assert d.journal() == []
