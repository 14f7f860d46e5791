"""Pulls through a proxy of the registry that can be slow or silent: one for
several targets, how far it is, and a registry that stops in its middle.
"""
import os
import socket
import threading
import time

import pytest

from rig.drive import PLAIN, Proxy
from rig.stack import wait_for

NAME = "pulls"
BIG = 6 << 20  # bytes that no compression shortens


class Slow:
    """Passes on to the registry; rate: bytes a second, left: so many in all;
    None: as they come."""

    def __init__(self, host):
        self.to = int(host.rpartition(":")[2])
        self.rate, self.left = None, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            two = socket.create_connection(("127.0.0.1", self.to))
            for a, b, slow in (one, two, False), (two, one, True):
                threading.Thread(target=self.copy, args=(a, b, slow),
                                 daemon=True).start()

    def copy(self, a, b, slow):
        try:
            while data := a.recv(65536):
                if slow and self.rate:
                    time.sleep(len(data) / self.rate)
                if slow and self.left is not None:
                    self.left -= len(data)
                    while self.left is not None and self.left < 0:
                        time.sleep(0.05)
                b.sendall(data)
        except OSError:
            pass
        for s in a, b:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture
def world(stacks, engine, registry, tmp_path):
    """Three containers of one image that is pulled through Slow."""
    slow = Slow(registry.host)
    names = [f"{NAME}-{i}" for i in range(3)]
    engine.remove_all(*names)
    old = f"{slow.host}/{NAME}:v0"
    engine.build(old, "v0", [PLAIN])
    for n in names:
        engine.run(n, old)
    proxy = Proxy(engine, str(tmp_path / "d.sock"))
    stack = stacks([{"name": n, "repository": NAME, "grace": "100ms",
                     "deploy": {"container": n}} for n in names],
                   {"local": proxy.server_address})
    stack.settings["sources"][0]["registry"] = slow.host
    stack.write()

    def push(tag):
        """Built, pushed, forgotten; its digest."""
        ref = f"{registry.host}/{NAME}:{tag}"
        engine.build(ref, tag, [PLAIN], {
            "big": os.urandom(BIG // 2).hex()}.items())
        digest = engine.push(ref)
        engine.forget_image(ref)
        return digest

    yield slow, stack, proxy, push, names
    slow.listener.close()
    engine.remove_all(*names)


def pulls(proxy):
    return [c for c in proxy.calls if "/images/create" in c]


def test_shared_with_progress(world):
    slow, stack, proxy, push, names = world
    digest = push("v1")
    slow.rate = 128 << 10  # until all has been seen
    stack.start()
    event = stack.push(NAME, "v1", digest)
    seen = set()

    def told():
        text = stack.run("deployer", "queue").stdout
        seen.update(x.strip() for x in text.splitlines() if "pull" in x)
        return any(" MiB" in x for x in seen) and \
            any("waiting for a pull" in x for x in seen)

    wait_for("progress in the queue", told)
    slow.rate = None
    rows = [stack.wait_final(event, n) for n in names]
    assert [r["status"] for r in rows] == ["deployed"] * 3, rows
    assert len(pulls(proxy)) == 1
    assert sum("pulled" in r["reason"] for r in rows) == 1, rows
    assert any(" MiB" in r["reason"] for r in rows)


def test_silent_registry(world, engine):
    """Given up after pull_stall, told to all, and tried again."""
    slow, stack, proxy, push, names = world
    digest = push("v2")
    started = [engine.inspect(n)["Id"] for n in names]
    slow.left = 1 << 20
    stack.settings["engines"][0]["pull_stall"] = "8s"
    stack.write()
    stack.start()
    event = stack.push(NAME, "v2", digest)
    rows = wait_for("all failed", lambda: (
        lambda r: r if len(r) == 3 else None)([r for r in stack.rows(
            event=event, status="failed") if r["attempt"] == 1]))
    assert len(pulls(proxy)) == 1
    for r in rows:
        assert "told nothing new for 8 s" in r["reason"], r
        assert " of 1 layers" in r["reason"] and not r["final"], r
    assert [engine.inspect(n)["Id"] for n in names] == started
    slow.left = None
    for n in names:
        assert stack.wait_final(event, n)["status"] == "deployed"
