"""The disk fails under a daemon at work, or is full, or its files run out.

faulty.c is preloaded into one daemon of a running stack and told through
shared memory what fails from now on; pushes go on all the time, as a registry
sends them: each body again until it is answered 2xx. While it fails ingress
acknowledges nothing that is not on the disk, a full disk and failed reads
included; the daemon says what is wrong; once the disk is well the whole path
works again within five seconds. Then the daemon is killed with -9, started
again, and everything that was acknowledged must have one final row for each
trigger. `make faults` is the long form.
"""
import collections
import errno
import http.client
import json
import mmap
import os
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

from peer.sink import Sink
from rig.docker import TOP
from rig.stack import TOKEN, wait_for

LONG = os.environ.get("PULLWIRE_FAULTS") == "1"
BACK = 5  # seconds after the disk's recovery
FAILING = 1.5 if LONG else 1.0  # seconds that a fault lasts
RATE = 40  # pushes a second
WRITE, SYNC, TRUNCATE, OPEN, READ, UNLINK, RENAME, SHORT, TORN = (
    1 << i for i in range(9))
ALL = WRITE | SYNC | TRUNCATE | OPEN | READ | UNLINK | RENAME
# What fails, how, and whether every commit fails with it.
FAULTS = [
    ("write-EIO", WRITE, errno.EIO, True),
    ("write-ENOSPC", WRITE, errno.ENOSPC, True),
    ("half-write-ENOSPC", TORN, errno.ENOSPC, True),
    ("sync-EIO", SYNC, errno.EIO, True),
    ("read-EIO", READ, errno.EIO, False),
    # A failed write has the file opened and read anew.
    ("open-write-EMFILE", OPEN | WRITE, errno.EMFILE, True),
    ("read-write-EIO", READ | WRITE, errno.EIO, True),
    ("all-EIO", ALL, errno.EIO, True),
]
if LONG:
    FAULTS += [
        ("write-EDQUOT", WRITE, errno.EDQUOT, True),
        ("sync-ENOSPC", SYNC, errno.ENOSPC, True),
        ("truncate-EIO", TRUNCATE, errno.EIO, False),
        ("truncate-ENOSPC", TRUNCATE, errno.ENOSPC, False),
        ("open-EIO", OPEN, errno.EIO, False),
        ("open-EMFILE", OPEN, errno.EMFILE, False),
        ("half-read", SHORT, 0, False),
        ("unlink-EIO", UNLINK, errno.EIO, False),
        ("rename-EIO", RENAME, errno.EIO, False),
        ("all-EROFS", WRITE | TRUNCATE | UNLINK | RENAME, errno.EROFS, True),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    lib = str(tmp_path_factory.mktemp("lib") / "faulty.so")
    crash = os.path.join(TOP, "tests", "crash")
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared",
                    "-fPIC", "-I", TOP, "-o", lib, crash + "/faulty.c",
                    crash + "/faulty_preload.c", "-ldl"], check=True)
    return lib


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


class Switch:
    """struct faulty, shared with the daemon."""
    LAYOUT = struct.Struct("=IiqqqQ")

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as f:
            f.write(bytes(self.LAYOUT.size))
            f.flush()
            self.shared = mmap.mmap(f.fileno(), self.LAYOUT.size)

    def on(self, calls, error, at=1, upto=1 << 62):
        self.shared[4:40] = self.LAYOUT.pack(0, error, at, upto, 0, 0)[4:]
        self.shared[:4] = struct.pack("=I", calls)

    def off(self):
        """How many calls have failed."""
        self.shared[:4] = bytes(4)
        return self.LAYOUT.unpack(self.shared[:])[5]


class Sender:
    """Pushes at RATE, each again until it is taken; who was told what."""

    def __init__(self, stack):
        self.stack = stack
        self.acked = []    # event ids
        self.answers = []  # (time, status), of all
        self.wrong = []
        self.over = threading.Event()
        self.goes = threading.Event()
        self.goes.set()
        self.threads = [threading.Thread(target=self.run, args=(n,))
                        for n in range(4)]
        for t in self.threads:
            t.start()

    def run(self, part):
        n, begin, c = 0, time.monotonic(), None
        while not self.over.is_set():
            if not self.goes.wait(0.05):
                begin += 0.05
                continue
            n += 1
            body = json.dumps({"events": [{
                "id": f"{part}-{n}", "action": "push",
                "timestamp": "2026-01-02T03:04:05.678Z",
                "target": {
                    "mediaType": "application/vnd.docker.distribution"
                                 ".manifest.v2+json",
                    "digest": f"sha256:{n:064x}", "repository": "shop/web",
                    "tag": "latest" if n % 8 == 0 else "other"}}]})
            while not self.over.is_set():
                try:
                    c = c or http.client.HTTPConnection(
                        "127.0.0.1", self.stack.ingress_port, timeout=10)
                    c.request("POST", "/v1/webhooks/registry", body, {
                        "Authorization": "Bearer " + TOKEN,
                        "Content-Type": "application/json"})
                    answer = c.getresponse()
                    text = answer.read()
                except (OSError, http.client.HTTPException):
                    c = None
                    time.sleep(0.05)
                    continue
                self.answers.append((time.monotonic(), answer.status))
                if answer.status == 202:
                    self.acked.append(json.loads(text)["id"])
                    break
                if answer.status != 503 or \
                        int(answer.headers["Retry-After"]) < 1:
                    self.wrong.append((answer.status, text))
                time.sleep(0.05)
            time.sleep(max(0, begin + n * 4 / RATE - time.monotonic()))

    def since(self, begin):
        return collections.Counter(s for t, s in self.answers if t > begin)

    def stop(self):
        self.goes.set()
        self.over.set()
        for t in self.threads:
            t.join()
        assert not self.wrong, self.wrong[:3]


def readiness(stack, daemon):
    """The sentences of why it is not ready; none: it is."""
    if daemon == "ingress":
        answer = stack.get("/readyz", stack.ingress_port)
        assert answer.status == (200 if answer.json()["ready"] else 503)
        return answer.json().get("reasons", [])
    got = stack.run(daemon, "health", PULLWIRE_INSTANCE=daemon)
    return [] if got.returncode == 0 else [got.stdout + got.stderr]


def works(stack):
    """One push the whole way, from its first try on."""
    event = None
    end = time.monotonic() + BACK
    while time.monotonic() < end:
        try:
            if event is None:
                answer = stack.post({"name": "shop/web", "tag": "latest"})
                event = answer.json()["id"] if answer.status == 202 else None
            elif len(stack.finals(event=event)) == 2:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"no whole way within {BACK} s of the recovery: "
                         f"{'taken' if event else 'not taken'}")


def missing(stack, sender):
    """How many final rows are not there yet; read beside the logger."""
    with sqlite3.connect(f"file:{stack.path('logger/log.db')}?mode=ro",
                         uri=True) as log:
        got = set(log.execute("select event, \"trigger\" from record "
                              "where final"))
    return len({(e, t) for e in list(sender.acked)
                for t in ("tell", "never")} - got)


def catches_up(stack, sender, what):
    """What was begun is brought to its end without anything new."""
    wait_for(f"{what}: every final row", lambda: not missing(stack, sender),
             BACK)
    sender.goes.set()


def settle(stack, sender, sink, repeats):
    """Nothing lost, nothing twice."""
    sender.stop()
    wait_for("every final row", lambda: not missing(stack, sender))
    finals = [r for r in stack.finals() if r["trigger"]]
    each = collections.Counter((r["event"], r["trigger"]) for r in finals)
    assert set(each.values()) == {1}
    bad = [r for r in finals if r["status"] not in ("200", "untriggered")]
    assert not bad, bad[:3]
    sent = collections.Counter(
        r["headers"]["webhook-id"] for r in sink.requests)
    told = [r for r in finals if r["status"] == "200"]
    assert len(sent) == len(told)
    assert sum(sent.values()) - len(sent) <= repeats, sent.most_common(3)


def triggers(sink):
    return [{"name": "tell", "repository": "shop/web", "tags": ["latest"],
             "url": sink.url()},
            {"name": "never", "repository": "shop/web", "tags": ["none"],
             "url": sink.url()}]


@pytest.mark.parametrize("victim", ["ingress", "deployer", "logger"])
def test_failing_disk_under_load(stacks, sink, library, victim):
    stack = stacks(triggers(sink),
                   deployer={"schedule": ["0s", "1s", "1s", "1s", "1s"]})
    switch = Switch(stack.path("switch"))
    env = {"FAULTY_CONTROL": switch.path, "FAULTY_DIR": stack.path(victim),
           "LD_PRELOAD": library}
    for name in ("logger", "deployer", "matcher", "ingress"):
        stack.start(name, env=env if name == victim else {})
    sender = Sender(stack)
    wait_for("pushes flow", lambda: len(sender.acked) > 10)
    for name, calls, error, commits in FAULTS:
        print(name)
        switch.on(calls, error)
        begin = time.monotonic()
        if commits:
            said = wait_for(f"{name}: {victim} says that it fails",
                            lambda: readiness(stack, victim), 3)
            assert all(len(s) > 20 for s in said), said
            print("   ", said)
            begin = time.monotonic()
        time.sleep(FAILING)
        got = sender.since(begin)
        sender.goes.clear()
        time.sleep(0.3)
        hits = switch.off()
        print(f"    {hits} calls failed: {dict(got)}")
        if victim != "ingress":
            assert 503 not in got, "ingress takes events without them"
        elif commits:
            assert 202 not in got and got[503] > 0, (name, got)
        catches_up(stack, sender, name)
        works(stack)
        wait_for(f"{name}: {victim} is ready",
                 lambda: not readiness(stack, victim), BACK)
        assert stack.daemons[victim].alive()
    switch.on(ALL, errno.EIO)
    time.sleep(0.5)
    stack.kill(victim)  # in the middle of it
    switch.off()
    stack.start(victim)
    works(stack)
    stack.kill(victim)
    stack.start(victim)
    settle(stack, sender, sink, repeats=64)


def test_each_read_fails_in_turn(stacks, sink, library):
    """One read of the deployer's, while nothing else happens that could have
    it looked for again: a delivery's row comes, and that of a deploy that a
    newer push ended while its engine is away."""
    stack = stacks([
        {"name": "tell", "repository": "shop/web", "url": sink.url()},
        {"name": "web", "repository": "shop/web", "expression": "v.*",
         "deploy": {"container": "web"}}], {"away": "/nobody.sock"})
    switch = Switch(stack.path("switch"))
    stack.start("logger", "matcher", "ingress")
    stack.start("deployer", env={
        "FAULTY_CONTROL": switch.path, "FAULTY_DIR": stack.path("deployer"),
        "LD_PRELOAD": library})
    older = stack.push("shop/web", "v0")
    stack.wait_final(older, "tell")
    for tag in ("v", "t"):
        k, hits = 0, 1
        while hits:
            k += 1
            switch.on(READ, errno.EIO, at=k, upto=k)
            event = stack.push("shop/web", f"{tag}{k}")
            assert stack.wait_final(event, "tell", BACK)["status"] == "200"
            if tag == "v":
                end = stack.wait_final(older, "web", BACK)
                assert end["status"] == "superseded", (k, end)
                older = event
            hits = switch.off()
        print(f"each of {k - 1} reads")
        assert k > 3
    assert "damaged" not in stack.daemons["deployer"].log()
