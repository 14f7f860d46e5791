"""The engine is restarted under a redeploy: an engine of its own, ended and
started as its host would while the new container is at its gate.
"""
import os
import signal
import socket
import socketserver
import threading
import time

import pytest

from rig import docker, images
from rig.drive import (Drive, check_only, drive_program,  # noqa: F401
                       names, put, ref)
from rig.stack import wait_for

NAME = "drv-engine"
# It says no when the test lets it: the engine goes before.
LATE = ("HEALTHCHECK --interval=200ms --timeout=600s --retries=2 CMD "
        "until [ -e /data/go ]; do sleep 0.1; done; exit 1")


@pytest.fixture(scope="module")
def own_engine():
    own = docker.Engine(os.environ.get("PULLWIRE_ENGINE", "engine") + "-own")
    yield own
    docker.rig("engine.sh", "down", own.name)


@pytest.fixture
def d(own_engine, registry, drive_program):
    made = Drive(own_engine, registry, NAME)
    own_engine.remove_all(NAME)
    yield made
    own_engine.remove_all(NAME)
    made.close()


class Kept(socketserver.ThreadingUnixStreamServer):
    """The engine's socket as systemd keeps it (docker.socket): who connects
    while there is no engine waits for the next one."""
    daemon_threads = True

    def __init__(self, engine, path):
        self.engine, self.victim = engine, None
        super().__init__(path, Held)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Held(socketserver.BaseRequestHandler):
    def handle(self):
        up = None
        while up is None:
            up = socket.socket(socket.AF_UNIX)
            try:
                up.connect(self.server.engine.sock)
            except OSError:
                up.close()
                up = None
                time.sleep(0.05)
        back = threading.Thread(target=pump, args=(up, self.request))
        back.start()
        pump(self.request, up)
        back.join()
        up.close()


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in a, b:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def new_one(engine, order):
    """Its name when it runs, and is at its gate."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for n in names(engine, NAME):
            c = engine.inspect(n)
            if c and c["State"]["Running"] and \
                    "VERSION=v2" in c["Config"]["Env"] and \
                    (order == "start-first") == (".new-" in n):
                return n
        time.sleep(0.05)
    raise AssertionError(names(engine, NAME))


# Good or not; in which order; the policy of both; is its socket kept?
ROWS = [(True, "stop-first", "always", False),
        (True, "stop-first", "no", False), (True, "stop-first", "no", True)]
if os.environ.get("PULLWIRE_KILLS"):
    ROWS += [(False, "stop-first", "always", False),
             (True, "start-first", "always", False),
             (True, "stop-first", "always", True)]


@pytest.mark.parametrize("good, order, policy, kept", ROWS)
def test_restarted_under_a_gate(d, own_engine, good, order, policy, kept):
    """What the engine stops is no fault of the image's. The old one does not
    come up beside the new one; at the end one runs, policies as they were."""
    engine = own_engine
    put(d, "v1")
    engine.run(NAME, ref(d, "v1"), policy=policy, volume=d.gate())
    d.how = {"order": order}
    if order == "start-first":
        d.how["allow_shared_rw"] = True
    d.push("v2", put(d, "v2", health=images.HELD if good else LATE))
    results = []
    held = Kept(engine, f"{d.dir}/kept.sock") if kept else None
    t = threading.Thread(target=lambda: results.append(d.deploy(proxy=held)))
    t.start()
    new_one(engine, order)
    engine.restart()
    if order == "stop-first" and policy == "always":
        up = wait_for("it is up again", lambda: [
            n for n in names(engine, NAME)
            if (engine.inspect(n) or {}).get("State", {}).get("Running")])
        assert up == [NAME], up
    d.open_gate()
    t.join()
    r = results[0]
    if r["status"] == "waiting":  # the engine took longer than 20 s
        told = d.recover()
        r = d.deploy() if not told or told[0]["status"] == "waiting" else \
            told[0]
    if policy == "no":
        assert r["status"] == "failed" and r["retry"], r
        assert "ended with its engine" in r["reason"], r
        check_only(engine, NAME, "v1")
        r = d.deploy()
    assert r["status"] == ("deployed" if good else "rolled_back"), r
    c = check_only(engine, NAME, "v2" if good else "v1")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == policy
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == []


# Which order, --rm or the policy of both, is the new one good?
BOOTS = [("stop-first", "no", True), ("stop-first", "rm", True)]
if os.environ.get("PULLWIRE_KILLS"):
    BOOTS += [("stop-first", "no", False), ("start-first", "no", True),
              ("stop-first", "always", True), ("start-first", "always", True)]


@pytest.mark.parametrize("order, policy, good", BOOTS)
def test_host_restarted_at_the_gate(d, own_engine, order, policy, good):
    """Deployer and engine end together, and all containers with them. One
    runs again after the recovery, the verdict is left to the next try."""
    engine = own_engine
    put(d, "v1")
    c = engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "HostConfig": {
            "AutoRemove": policy == "rm", "Binds": [d.gate() + ":/data"],
            "RestartPolicy": {"Name": policy.replace("rm", "no")}}},
                    name=NAME)
    engine.call("POST", f"/containers/{c['Id']}/start")
    d.how = {"order": order}
    if order == "start-first":
        d.how["allow_shared_rw"] = True
    d.push("v2", put(d, "v2", health=images.HELD if good else LATE))
    proxy = d.proxy()
    t = threading.Thread(target=lambda: d.deploy(proxy=proxy))
    t.start()
    new_one(engine, order)
    os.kill(proxy.victim, signal.SIGKILL)
    t.join()
    engine.restart()
    if policy == "always":
        new_one(engine, order)
    d.open_gate()
    told = d.recover()
    check_only(engine, NAME, "v2" if policy == "always" else "v1")
    if told and told[0]["status"] != "waiting":
        assert policy == "always" and told[0]["status"] == "deployed", told
    else:
        assert d.deploy()["status"] == ("deployed" if good else "rolled_back")
    c = check_only(engine, NAME, "v2" if good else "v1")
    assert policy == "rm" or \
        c["HostConfig"]["RestartPolicy"]["Name"] == policy
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == []
