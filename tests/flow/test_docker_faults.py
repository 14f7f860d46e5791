"""Pulls that fail, as real registries make them fail: what is tried again and
what is not, in words that say why; and the old container notices nothing.
"""
import hashlib
import json
import os
import socket
import threading
import urllib.request

from rig.drive import (PLAIN, check_only, drive, drive_program,  # noqa: F401
                       put, ref)
from rig.stack import free_port

NAME = "faults"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def blob_file(registry, digest):
    rig = os.environ.get("PULLWIRE_RIG") or os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(
            os.path.abspath(__file__)))), "build/rig")
    hex_ = digest.partition(":")[2]
    return os.path.join(rig, registry.name, "data/docker/registry/v2/blobs/"
                        "sha256", hex_[:2], hex_, "data")


def manifest(registry, what):
    request = urllib.request.Request(
        f"http://{registry.host}/v2/{NAME}/manifests/{what}",
        headers={"Accept": f"{MANIFEST}, {OCI}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def fresh(d, registry):
    """An image that no other has a layer of, pushed and forgotten."""
    salt = os.urandom(64).hex()
    digest = put(d, "bad", keep=False, files=[("salt", salt)])
    layers = json.loads(manifest(registry, digest))["layers"]
    return digest, layers[-1]["digest"]


def missing_layer(d, registry):
    digest, layer = fresh(d, registry)
    urllib.request.urlopen(urllib.request.Request(
        f"http://{registry.host}/v2/{NAME}/blobs/{layer}", method="DELETE"))
    return registry.host, digest


def corrupt_layer(d, registry):
    digest, layer = fresh(d, registry)
    blob = blob_file(registry, layer)
    with open(blob, "r+b") as f:
        f.seek(os.path.getsize(blob) // 2)
        f.write(os.urandom(32))
    return registry.host, digest


def other_platform(d, registry):
    digest, _ = fresh(d, registry)
    body = json.dumps({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [{
            "mediaType": MANIFEST, "digest": digest,
            "size": len(manifest(registry, digest)),
            "platform": {"architecture": "s390x", "os": "linux"}}]}).encode()
    urllib.request.urlopen(urllib.request.Request(
        f"http://{registry.host}/v2/{NAME}/manifests/bad", body,
        {"Content-Type": INDEX}, method="PUT"))
    return registry.host, "sha256:" + hashlib.sha256(body).hexdigest()


def nobody(d, registry):
    return f"localhost:{free_port()}", "sha256:" + "0" * 64


class Says:
    """A registry that answers each question about a manifest with this."""

    def __init__(self, status, code, message):
        self.status, body = status, json.dumps({"errors": [{
            "code": code, "message": message}]}).encode()
        self.answer = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n" \
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (
                status.encode(), len(body), body)

    def __call__(self, d, registry):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return (f"localhost:{self.listener.getsockname()[1]}",
                "sha256:" + "1" * 64)

    def serve(self):
        while True:
            c, _ = self.listener.accept()
            head = b""
            while b"\r\n\r\n" not in head and head[:1] != b"\x16":
                data = c.recv(4096)
                if not data:
                    break
                head += data
            answer = self.answer
            if head[:1] == b"\x16":  # TLS: a plain server says so
                answer = b"HTTP/1.0 400 Bad Request\r\n\r\n"
            elif head.startswith(b"GET /v2/ "):
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" \
                    b"Connection: close\r\n\r\n{}"
            try:
                c.sendall(answer)
            except OSError:
                pass
            c.close()

FAULTS = [
    (missing_layer, True, "unknown blob|not found|404"),
    (corrupt_layer, True, "verification failed|unexpected commit digest"),
    (other_platform, False, "no matching manifest|no match for platform"),
    (nobody, True, "connection refused"),
    (Says("429 Too Many Requests", "TOOMANYREQUESTS",
          "You have reached your pull rate limit"), True,
     "toomanyrequests|429 Too Many"),
    (Says("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown"), True,
     "manifest unknown|not found"),
    (Says("403 Forbidden", "DENIED", "requested access is denied"), False,
     "denied|403"),
    (Says("503 Service Unavailable", "UNAVAILABLE", "come back"), True,
     "503|come back"),
]


def test_faults(drive, engine, registry):
    d = drive(NAME)
    put(d, "v1")
    old = engine.run(NAME, ref(d, "v1"), policy="always")
    started = engine.inspect(NAME)["State"]["StartedAt"]
    for fault, retry, says in FAULTS:
        host, digest = fault(d, registry)
        d.job["registry"] = host
        d.push("bad", digest)
        r = d.deploy()
        assert (r["status"], r["retry"]) == ("failed", retry), r
        assert any(s in r["reason"] for s in says.split("|")), r["reason"]
        c = check_only(engine, NAME, "v1")
        assert (c["Id"], c["State"]["StartedAt"]) == (old, started)
        assert d.journal() == []


def test_untagged_name(drive, engine, registry):
    """A container of `host:port/app` without a tag: one image is pulled, by
    its digest, not every tag of the repository."""
    d = drive(NAME)
    put(d, "latest", version="v1")
    other = put(d, "other", version="v3", keep=False)
    engine.run(NAME, f"{registry.host}/{NAME}")
    d.push("latest", put(d, "latest", version="v2", keep=False))
    assert d.deploy()["status"] == "deployed"
    check_only(engine, NAME, "v2")
    assert engine.image(f"{registry.host}/{NAME}@{other}") is None
    assert engine.image(f"{registry.host}/{NAME}:other") is None
