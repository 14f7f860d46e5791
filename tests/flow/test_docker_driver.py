"""The Docker driver alone, against a real engine: what a replaced container
keeps, how it goes back, and what a recovery makes of a process that was killed
at each of its calls to the engine.

The driver runs in docker_drive (tests/unit/deployer); kills come from a proxy
between it and the engine, which counts the calls that change something.
"""
import json
import os
import shutil
import signal
import socketserver
import subprocess
import tempfile
import threading
import uuid
from http.server import BaseHTTPRequestHandler

import pytest

from rig import images
from rig.docker import TOP, UnixConnection
from rig.stack import BUILD, free_port

DRIVE = os.path.join(BUILD, "tests/unit/deployer/docker_drive")
CRASH = ("app", "#!/bin/sh\necho cannot go on\nexit 3\n")
PLAIN = "HEALTHCHECK NONE"


@pytest.fixture(scope="session")
def drive_program():
    subprocess.run(["make", "-s", "-C", TOP, "OUT=" + os.path.relpath(
        BUILD, TOP), os.path.relpath(DRIVE, TOP)], check=True)


class Proxy(socketserver.ThreadingUnixStreamServer):
    """Passes calls on to the engine. At the n-th that changes something it
    kills `victim`: before it is passed on, or after the engine's answer."""
    daemon_threads = True

    def __init__(self, engine, path, at=0, when="after"):
        self.engine, self.at, self.when = engine, at, when
        self.victim, self.changes, self.calls = None, 0, []
        self.lock = threading.Lock()
        super().__init__(path, Pass)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kill(self):
        os.kill(self.victim, signal.SIGKILL)


class Pass(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        srv = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        changes = self.command != "GET"
        with srv.lock:
            srv.changes += changes
            hit = changes and srv.changes == srv.at
            if changes:
                srv.calls.append(f"{self.command} {self.path}")
        if hit and srv.when == "before":
            srv.kill()
            return
        conn = UnixConnection(srv.engine.sock, 120)
        head = {k: v for k, v in self.headers.items() if k != "Host"}
        conn.request(self.command, self.path, body or None, head)
        answer = conn.getresponse()
        data = answer.read()
        conn.close()
        if hit:
            srv.kill()
            return
        self.send_response_only(answer.status)
        kind = answer.getheader("Content-Type")
        if kind:
            self.send_header("Content-Type", kind)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if answer.status not in (204, 304):
            self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PUT = pass_on

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass


class Drive:
    """docker_drive with one journal, for one job at a time."""

    def __init__(self, engine, registry, name):
        self.engine, self.registry, self.name = engine, registry, name
        self.dir = tempfile.mkdtemp(prefix="pw-drive-", dir="/tmp")
        os.mkdir(os.path.join(self.dir, "journal"))
        self.proxies = 0
        self.job = {"event": str(uuid.uuid4()), "container": name,
                    "registry": registry.host, "repository": name}

    def push(self, tag, digest=None, **more):
        """The next deploy is of this push."""
        self.job.update(event=str(uuid.uuid4()), tag=tag, **more)
        self.job.pop("digest", None)
        if digest:
            self.job["digest"] = digest

    def journal(self):
        return os.listdir(os.path.join(self.dir, "journal"))

    def run(self, command, proxy=None, **more):
        """What the driver told; None when it was killed."""
        sock = proxy.server_address if proxy else self.engine.sock
        args = {**self.job, **more, "engine": "unix://" + sock,
                "journal": os.path.join(self.dir, "journal")}
        if args.get("compose"):
            args.pop("container")
        p = subprocess.Popen([DRIVE, command,
                              *(f"{k}={v}" for k, v in args.items())],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        if proxy:
            proxy.victim = p.pid
        out, err = p.communicate(timeout=180)
        print(f"{command}: {out}{err}")
        if p.returncode == -signal.SIGKILL:
            return None
        assert p.returncode == 0, err
        return json.loads(out)

    def deploy(self, **more):
        return self.run("deploy", **more)

    def recover(self, **more):
        return self.run("recover", **more)

    def proxy(self, at=0, when="after"):
        self.proxies += 1
        return Proxy(self.engine, f"{self.dir}/{self.proxies}.sock", at, when)

    def close(self):
        shutil.rmtree(self.dir)


@pytest.fixture
def drive(engine, registry, drive_program):
    made = []

    def make(name):
        made.append(Drive(engine, registry, name))
        engine.remove_all(name)
        return made[-1]

    yield make
    for d in made:
        engine.remove_all(d.name)
        d.close()


def put(drive, tag, health=PLAIN, **more):
    return images.put(drive.engine, drive.registry, drive.name, tag,
                      health=health, **more)


def ref(drive, tag):
    return f"{drive.registry.host}/{drive.name}:{tag}"


def names(engine, prefix):
    return sorted(n.lstrip("/") for c in engine.containers()
                  for n in c["Names"] if n.lstrip("/").startswith(prefix))


def version(engine, name):
    env = engine.inspect(name)["Config"]["Env"]
    return next(e for e in env if e.startswith("VERSION=")).split("=")[1]


def check_only(engine, name, want):
    """One container, of that name, running that version."""
    assert names(engine, name) == [name]
    c = engine.inspect(name)
    assert c["State"]["Status"] == "running"
    assert version(engine, name) == want
    return c


# ---- the sequence

def test_deployed(drive, engine):
    d, port = drive("drv-ok"), free_port()
    put(d, "v1")
    old = engine.run("drv-ok", ref(d, "v1"), env=["MINE=1"], port=port,
                     volume="drv-ok", policy="always")
    digest = put(d, "v2", keep=False)
    d.push("v2", digest)
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert r["to"] == digest and r["from"].startswith("sha256:")
    c = check_only(engine, "drv-ok", "v2")
    assert c["Id"] != old
    assert "MINE=1" in c["Config"]["Env"]
    assert c["Config"]["Image"] == ref(d, "v2")
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert c["HostConfig"]["Binds"] == ["drv-ok:/data"]
    ports = c["NetworkSettings"]["Ports"]["8080/tcp"]
    assert ports[0]["HostPort"] == str(port)
    assert c["Config"]["Labels"]["pullwire.replaces"] == old
    assert c["Config"]["Hostname"] == c["Id"][:12]
    assert r["stopped_at"] > 0
    assert set(r["phases"]) == {"inspect", "pull", "create", "stop", "start",
                                "gate", "cleanup"}


def test_unchanged(drive, engine):
    d = drive("drv-same")
    digest = put(d, "v1")
    old = engine.run("drv-same", ref(d, "v1"))
    d.push("v1", digest)
    assert d.deploy()["status"] == "unchanged"
    assert engine.inspect("drv-same")["Id"] == old
    assert d.journal() == []


def test_no_digest_told(drive, engine):
    d = drive("drv-tag")
    put(d, "v1")
    engine.run("drv-tag", ref(d, "v1"))
    digest = put(d, "v2", keep=False)
    d.push("v2")
    r = d.deploy()
    assert (r["status"], r["to"]) == ("deployed", digest)
    check_only(engine, "drv-tag", "v2")


def test_tag_moved_on(drive, engine):
    """What was pushed is deployed, whatever the tag means by then."""
    d = drive("drv-moved")
    put(d, "v1")
    engine.run("drv-moved", ref(d, "v1"))
    digest = put(d, "latest", version="v2", keep=False)
    put(d, "latest", version="v3", keep=False)
    d.push("latest", digest)
    assert d.deploy()["status"] == "deployed"
    check_only(engine, "drv-moved", "v2")


def test_no_such_image(drive, engine):
    """Nothing is touched, and it is tried again: the registry may lag."""
    d = drive("drv-noimage")
    put(d, "v1")
    old = engine.run("drv-noimage", ref(d, "v1"))
    d.push("v2", "sha256:" + "0" * 64)
    r = d.deploy()
    assert (r["status"], r["retry"]) == ("failed", True)
    assert "not found" in r["reason"] or "unknown" in r["reason"], r
    assert check_only(engine, "drv-noimage", "v1")["Id"] == old
    assert d.journal() == []


@pytest.mark.parametrize("kind,says", [
    ("crash", "keeps restarting|exited with code 3|was started again"),
    ("unhealthy", "is unhealthy"), ("missing", "cannot be started")])
def test_rolled_back(drive, engine, kind, says):
    d = drive("drv-bad")
    put(d, "v1")
    old = engine.run("drv-bad", ref(d, "v1"), volume="drv-bad",
                     policy="unless-stopped", port=free_port())
    if kind == "crash":
        digest = put(d, "v2", files=[CRASH])
    elif kind == "unhealthy":
        digest = put(d, "v2", health=images.UNHEALTHY)
    else:
        digest = put(d, "v2", changes=['CMD ["/nothing"]'])
    d.push("v2", digest)
    r = d.deploy(grace=1000)
    assert r["status"] == "rolled_back"
    assert any(s in r["reason"] for s in says.split("|")), r["reason"]
    if kind == "crash":
        assert "cannot go on" in r["reason"]
    c = check_only(engine, "drv-bad", "v1")
    assert c["Id"] == old
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_never_stopped(drive, engine):
    """Cancelled, or no journal: the old container has noticed nothing."""
    d = drive("drv-still")
    put(d, "v1")
    old = engine.run("drv-still", ref(d, "v1"), policy="always")
    started = engine.inspect("drv-still")["State"]["StartedAt"]
    d.push("v2", put(d, "v2"))
    assert d.deploy(cancel=1)["status"] == "cancelled"
    assert d.journal() == []
    r = d.deploy(full=1)
    assert (r["status"], r["retry"]) == ("failed", True)
    assert "no room" in r["reason"]
    c = check_only(engine, "drv-still", "v1")
    assert (c["Id"], c["State"]["StartedAt"]) == (old, started)
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_networks(drive, engine):
    d = drive("drv-net")
    put(d, "v1")
    nets = ["drv-net-a", "drv-net-b"]
    for n in nets:
        engine.call("POST", "/networks/create", {"Name": n})
    try:
        old = engine.run("drv-net", ref(d, "v1"))
        for n in nets:
            engine.call("POST", f"/networks/{n}/connect", {
                "Container": old, "EndpointConfig": {"Aliases": ["app"]}})
        d.push("v2", put(d, "v2"))
        assert d.deploy()["status"] == "deployed"
        c = check_only(engine, "drv-net", "v2")
        there = c["NetworkSettings"]["Networks"]
        assert set(there) == {"bridge", *nets}
        assert set(there["drv-net-a"]["Aliases"]) == {"app", c["Id"][:12]}
    finally:
        engine.remove("drv-net")
        for n in nets:
            engine.call("DELETE", "/networks/" + n)


def test_missing_and_stopped(drive, engine):
    d = drive("drv-none")
    d.push("v2", put(d, "v2"))
    r = d.deploy()
    assert (r["status"], r["retry"]) == ("failed", False)
    assert "no container drv-none" in r["reason"]
    put(d, "v1")
    old = engine.run("drv-none", ref(d, "v1"))
    engine.call("POST", f"/containers/{old}/stop")
    r = d.deploy()
    assert r["status"] == "refused" and "is stopped" in r["reason"]
    assert engine.inspect("drv-none")["Id"] == old


def test_crashed_is_mended(drive, engine):
    d = drive("drv-loop")
    put(d, "v1", files=[CRASH])
    engine.run("drv-loop", ref(d, "v1"), policy="always")
    d.push("v2", put(d, "v2"))
    assert d.deploy()["status"] == "deployed"
    check_only(engine, "drv-loop", "v2")


def test_paused_stays_paused(drive, engine):
    d = drive("drv-pause")
    put(d, "v1")
    old = engine.run("drv-pause", ref(d, "v1"))
    engine.call("POST", f"/containers/{old}/pause")
    d.push("v2", put(d, "v2"))
    assert d.deploy()["status"] == "deployed"
    assert engine.inspect("drv-pause")["State"]["Status"] == "paused"
    assert version(engine, "drv-pause") == "v2"
    engine.call("POST", "/containers/drv-pause/unpause")


def run_auto_remove(d, image):
    made = d.engine.call("POST", "/containers/create",
                         {"Image": image, "Env": ["MINE=1"],
                          "HostConfig": {"AutoRemove": True}}, name=d.name)
    d.engine.call("POST", f"/containers/{made['Id']}/start")


@pytest.mark.parametrize("good", [True, False])
def test_auto_remove(drive, engine, good):
    """--rm: the old one is gone when it stops, and is made again."""
    d = drive("drv-rm")
    put(d, "v1", changes=["VOLUME /data"])
    run_auto_remove(d, ref(d, "v1"))
    volume = engine.inspect("drv-rm")["Mounts"][0]["Name"]
    d.push("v2", put(d, "v2", files=() if good else [CRASH]))
    r = d.deploy(grace=1000)
    assert r["status"] == ("deployed" if good else "rolled_back"), r
    c = check_only(engine, "drv-rm", "v2" if good else "v1")
    assert c["HostConfig"]["AutoRemove"]
    assert "MINE=1" in c["Config"]["Env"]
    assert [m["Name"] for m in c["Mounts"]] == [volume]


def test_engine_away(drive, engine):
    d = drive("drv-away")
    d.push("v2")
    p = d.proxy()
    p.shutdown()
    p.server_close()
    r = d.deploy(proxy=p)
    assert r["status"] == "waiting"
    assert p.server_address in r["reason"]


# ---- Compose

def compose(d, n, image, **labels):
    return d.engine.run(f"{d.name}_app_{n}", image, labels={
        "com.docker.compose.project": d.name,
        "com.docker.compose.service": "app",
        "com.docker.compose.config-hash": "h",
        "com.docker.compose.container-number": str(n),
        "com.docker.compose.oneoff": "False", **labels})


def test_replicas(drive, engine):
    d = drive("drv-many")
    put(d, "v1")
    old = engine.image(ref(d, "v1"))["Id"]
    for n in (2, 10, 1):
        compose(d, n, ref(d, "v1"), **{"com.docker.compose.image": old})
    oneoff = compose(d, 3, ref(d, "v1"),
                     **{"com.docker.compose.oneoff": "True"})
    d.push("v2", put(d, "v2"), compose="drv-many/app")
    r = d.deploy()
    assert r["status"] == "deployed" and "3 of 3" in r["reason"], r
    new = engine.image(ref(d, "v2"))["Id"]
    for n in (1, 2, 10):
        c = engine.inspect(f"drv-many_app_{n}")
        assert c["Image"] == new
        assert c["Config"]["Labels"]["com.docker.compose.image"] == new
    assert engine.inspect("drv-many_app_3")["Id"] == oneoff
    assert len(names(engine, "drv-many")) == 4


def test_canary_fails(drive, engine):
    d = drive("drv-canary")
    put(d, "v1")
    ids = [compose(d, n, ref(d, "v1")) for n in (1, 2)]
    d.push("v2", put(d, "v2", files=[CRASH]), compose="drv-canary/app")
    r = d.deploy()
    assert r["status"] == "rolled_back" and "0 of 2" in r["reason"], r
    assert [engine.inspect(f"drv-canary_app_{n}")["Id"]
            for n in (1, 2)] == ids


# ---- killed at each call

def finish(d, want):
    """What the next process does: recovery, and the job where it must."""
    told = d.recover()
    if told and told[0]["status"] != "waiting":
        assert told[0]["status"] == want, told
    else:
        r = d.deploy()
        assert r["status"] == want, r
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == [], "a second recovery changed something"


def kill_matrix(d, engine, kind, setup):
    """Kills the deploy at each of its changes until it is not reached."""
    digest = put(d, "v2", files=[CRASH] if kind == "crash" else (),
                 health=images.UNHEALTHY if kind == "unhealthy" else PLAIN)
    want = "deployed" if kind == "good" else "rolled_back"
    for when in ("before", "after"):
        at, killed = 0, True
        while killed:
            at += 1
            engine.remove_all(d.name)
            setup()
            d.push("v2", digest)
            proxy = d.proxy(at, when)
            told = d.deploy(proxy=proxy)
            killed = told is None
            print(f"--- {kind}, killed {when} change {at}: "
                  f"{proxy.calls[-1] if proxy.calls else ''}")
            if killed:
                finish(d, want)
            else:
                assert told["status"] == want
            c = check_only(engine, d.name, "v2" if kind == "good" else "v1")
            assert "MINE=1" in c["Config"]["Env"]
            yield c
            for f in d.journal():
                os.unlink(os.path.join(d.dir, "journal", f))
        assert at > 4, "the proxy saw too few changes"


@pytest.mark.parametrize("kind", ["good", "crash", "unhealthy"])
def test_killed_anywhere(drive, engine, kind):
    d, port = drive("drv-kill"), free_port()
    put(d, "v1")

    def setup():
        engine.run("drv-kill", ref(d, "v1"), env=["MINE=1"], port=port,
                   volume="drv-kill", policy="always")

    for c in kill_matrix(d, engine, kind, setup):
        assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert c["HostConfig"]["Binds"] == ["drv-kill:/data"]
        assert c["NetworkSettings"]["Ports"]["8080/tcp"]


@pytest.mark.parametrize("kind", ["good", "crash"])
def test_killed_anywhere_auto_remove(drive, engine, kind):
    d = drive("drv-killrm")
    put(d, "v1")
    for c in kill_matrix(d, engine, kind,
                         lambda: run_auto_remove(d, ref(d, "v1"))):
        assert c["HostConfig"]["AutoRemove"]
