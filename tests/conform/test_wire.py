"""Golden messages, both ways. The same values are spelled in
tests/unit/proto/test_msg.c; the bytes lie in tests/vectors/wire. A drift of
either side, of the bytes or of docs/WIRE.md is caught.

`python3 tests/conform/test_wire.py` writes the files anew."""
import glob
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402

VECTORS = os.path.join(wire.ROOT, "tests", "vectors", "wire")
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
DIGEST = "sha256:" + "0123456789abcdef" * 4
EVENT_MIN = {"id": ID, "source": "registry", "repository": "web",
             "tag": "latest", "time": 1700000000000}
EVENT_FULL = {
    "id": ID, "source": "registry", "sender_id": "s-1",
    "registry": "registry.example.com:5000", "repository": "shop/web",
    "tag": "release-v1", "digest": DIGEST, "time": 1700000000000,
    "pushed_at": 1699999999999, "region": "cn-hangzhou",
    "date_created": "2016-10-28 21:31:42", "auth_type": "NO_CERTIFIED",
    "origin_type": "NO_CERTIFIED", "repo_type": "PUBLIC", "hops": 2,
    "trigger": "web", "again": 3}

GOLDEN = {
    "hello-min": ("HELLO", 0, {
        "session": 1, "role": "matcher", "instance": "matcher@a"}),
    "hello-full": ("HELLO", 0, {
        "session": (1 << 63) - 1, "role": "deployer",
        "instance": "d\u00e9ployer@b", "version": "0.1.0",
        "lanes": ["http", "local"]}),
    "reset": ("RESET", 0, {}),
    "credit": ("CREDIT", 0, {"total": 16}),
    "credit-none": ("CREDIT", 0, {"total": 0}),
    "ack-range": ("ACK", 0, {"from": 4294967296, "upto": 4294967297}),
    "ack-full": ("ACK", 0, {
        "from": 1, "upto": 6, "leases": [7, 300, 70000, 5000000000], "credit": 40}),
    "nack": ("NACK", 0, {"lease": 65536, "delay_ms": 1000, "reason": "full"}),
    "ping": ("PING", 0, {}),
    "bye": ("BYE", 0, {}),
    "error": ("ERROR", 0, {"text": "unknown message type 99"}),
    "status-ready": ("STATUS", 0, {
        "role": "ingress", "instance": "ingress@a", "time": 1700000000000,
        "ready": True, "metrics": '{"accepted":12}'}),
    "status-not": ("STATUS", 0, {
        "role": "deployer", "instance": "deployer@b", "time": 1700000000000,
        "reasons": ['engine "local" does not answer', "disk"]}),
    "order-min": ("ORDER", 0, {"id": 1, "what": "queue"}),
    "order-full": ("ORDER", 0, {
        "id": 4294967296, "what": "approve",
        "args": '{"job":"' + ID + '/web"}', "who": "Ren\u00e9"}),
    "answer-ok": ("ANSWER", 0, {
        "id": 1, "ok": True, "text": "approved", "body": '{"jobs":[]}'}),
    "triggers": ("TRIGGERS", 0, {
        "engine": "local", "set": '{"engine":"local","triggers":[]}'}),
    "answer-not": ("ANSWER", 0, {
        "id": 4294967296, "text": "no such job waits here",
        "code": "absent"}),
    "event-min": ("EVENT", 1, EVENT_MIN),
    "event-full": ("EVENT", 128, EVENT_FULL),
    "job": ("JOB", (1 << 63) - 1, {
        "id": ID + "/web", "trigger": "web", "lane": "local",
        "reason": 'tag "latest" is listed', "generation": "0123456789abcdef",
        "version": "semver 1.4.0-rc.1", "event": EVENT_MIN}),
    "job-notice": ("JOB", 3, {
        "id": ID + "/notify:team:web", "trigger": "notify:team:web",
        "lane": "http", "reason": "web ended deployed", "event": EVENT_MIN,
        "notice": '{"status":"deployed"}'}),
    "record-min": ("RECORD", 32768, {
        "time": -1, "id": ID + "//0/no_trigger", "event": ID,
        "status": "no_trigger", "final": True}),
    "record-full": ("RECORD", 4294967296, {
        "time": 1700000000123, "id": ID + "/web/2/rolled_back", "event": ID,
        "trigger": "web", "source": "registry", "repository": "shop/web",
        "tag": "v2", "digest": DIGEST, "status": "rolled_back", "final": True,
        "reason": "not healthy within 30s: \u201cexit 1\u201d",
        "target": "container web", "attempt": 2, "attempts": 10,
        "next_attempt": 1700000300000,
        "duration_ms": '{"pull":120,"stop":15}',
        "url": "https://cs.example.com/hook?secret=***",
        "request": '{"body":"x"}', "response": '{"status":200}',
        "from_digest": DIGEST, "to_digest": DIGEST,
        "instance": "deployer@b", "generation": "0123456789abcdef"}),
}


def vector(name):
    with open(os.path.join(VECTORS, name + ".hex"), encoding="ascii") as f:
        return bytes.fromhex(f.read().strip())


def test_every_vector_is_known():
    files = {os.path.basename(p)[:-len(".hex")]
             for p in glob.glob(os.path.join(VECTORS, "*.hex"))}
    assert files == set(GOLDEN)


def test_every_type_has_a_vector():
    assert {g[0] for g in GOLDEN.values()} == set(wire.NUMBERS)


def test_every_field_has_a_vector():
    seen = {(wire.TYPES[wire.NUMBERS[name]][1], field)
            for name, _, body in GOLDEN.values() for field in body}
    assert seen == {(body, field) for body in wire.BODIES
                    for field in wire.BODIES[body]}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_decode(name):
    assert wire.decode(vector(name)) == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_encode(name):
    assert wire.encode(*GOLDEN[name]).hex() == vector(name).hex()


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_cut_short(name):
    data = vector(name)
    for n in range(len(data)):
        with pytest.raises(wire.WireError):
            wire.decode(data[:n])
    with pytest.raises(wire.WireError):
        wire.decode(data + b"\0")


def write():
    os.makedirs(VECTORS, exist_ok=True)
    for name, message in GOLDEN.items():
        path = os.path.join(VECTORS, name + ".hex")
        with open(path, "w", encoding="ascii") as f:
            f.write(wire.encode(*message).hex() + "\n")


if __name__ == "__main__":
    write()
