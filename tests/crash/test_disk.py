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
import errno
import mmap
import os
import struct
import subprocess
import time

import pytest

from peer.sink import Sink
from pushes import (BACK, Sender, catches_up, patient, readiness, settle,
                    triggers, works)
from rig.docker import TOP
from rig.stack import kept, wait_for, within

LONG = os.environ.get("PULLWIRE_FAULTS") == "1"
FAILING = 1.5 if LONG else 1.0  # seconds that a fault lasts
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


@pytest.mark.parametrize("victim", ["ingress", "deployer", "logger"])
def test_failing_disk_under_load(stacks, sink, library, victim):
    stack = stacks(triggers(sink),
                   deployer={"schedule": ["0s", "1s", "1s", "1s", "1s"]})
    if victim != "ingress":
        patient(stack)
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
            said = within(f"{name}: {victim} says that it fails",
                          lambda: readiness(stack, victim), 3)
            assert all(len(s) > 20 for s in said), said
            print("   ", said)
            begin = time.monotonic()
        time.sleep(FAILING)
        if victim == "ingress" and commits:
            wait_for("a push is refused", lambda: sender.since(begin)[503])
        got = sender.since(begin)
        sender.goes.clear()
        time.sleep(0.3)
        hits = switch.off()
        print(f"    {hits} calls failed: {dict(got)}")
        if victim != "ingress":
            assert 503 not in got, sender.refused  # it does without them
        elif commits:
            assert 202 not in got, (name, got)
        catches_up(stack, sender, name)
        works(stack)
        within(f"{name}: {victim} is ready",
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
            event, begin = stack.push("shop/web", f"{tag}{k}"), \
                time.monotonic()
            assert stack.wait_final(event, "tell")["status"] == "200"
            if tag == "v":
                end = stack.wait_final(older, "web")
                assert end["status"] == "superseded", (k, end)
                older = event
            kept("the rows come", time.monotonic() - begin, BACK)
            hits = switch.off()
        print(f"each of {k - 1} reads")
        assert k > 3
    assert "damaged" not in stack.daemons["deployer"].log()
