"""The Docker driver by hand: docker_drive (tests/unit/deployer) against a real
engine, and a proxy between the two that counts, and kills.
"""
import json
import os
import re
import shutil
import signal
import socketserver
import subprocess
import tempfile
import threading
import time
import uuid
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from . import images
from .docker import TOP, UnixConnection
from .stack import BUILD

DRIVE = os.path.join(BUILD, "tests/unit/deployer/docker_drive")
CRASH = ("app", "#!/bin/sh\necho cannot go on\nexit 3\n")
PLAIN = "HEALTHCHECK NONE"
# The grace of what is to fail: its end ends the gate, however late it comes.
SURE = "300s"


@pytest.fixture(scope="session")
def drive_program():
    subprocess.run(["make", "-s", "-C", TOP, "OUT=" + os.path.relpath(
        BUILD, TOP), "SAN=" + os.environ.get("PULLWIRE_SAN", ""),
        os.path.relpath(DRIVE, TOP)], check=True)


class Proxy(socketserver.ThreadingUnixStreamServer):
    """Passes calls on to the engine. At the n-th that changes something it
    kills `victim`: before it is passed on, amid the engine's work, or after
    its answer; or (when="cut") answers nobody any more, or (when="lost") passes
    it on and says that it failed. api=(newest, oldest) pretends to be
    an engine of those versions."""
    daemon_threads = True

    def __init__(self, engine, path, at=0, when="after", api=None,
                 meddle=None):
        self.engine, self.at, self.when, self.api = engine, at, when, api
        self.fake = None  # (method, path): (status, answer), or None
        self.ahead = 0  # s: how far its clock is, as HEADs tell it
        self.change = None  # (path, answer's bytes): what is told instead
        self.meddle = meddle  # called before the n-th, and nobody is killed
        self.victim, self.changes, self.calls, self.looks = None, 0, [], 0
        self.versions, self.gone = set(), False
        self.times = []  # when each of calls came
        self.lock = threading.Lock()
        super().__init__(path, Pass)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def strike(self):
        if self.when == "cut":
            self.gone = True
            os.unlink(self.server_address)
        else:
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
                srv.times.append(time.monotonic())
        self.close_connection = srv.gone
        if srv.gone:
            return
        fake = srv.fake and srv.fake(self.command, self.path)
        if fake:
            self.give(fake[0], "application/json",
                      json.dumps(fake[1]).encode())
            return
        if hit and srv.meddle:
            srv.meddle()
            hit = False
        if hit and srv.when == "before":
            srv.strike()
            return
        path, used = self.path, re.match(r"/v(1\.\d+)/", self.path)
        if used:
            srv.versions.add(used[1])
        if used and srv.api:
            if int(used[1][2:]) < int(srv.api[1][2:]):
                self.give(400, "text/plain", b"client version " +
                          used[1].encode() + b" is too old. Minimum supported "
                          b"API version is " + srv.api[1].encode())
                return
            path = path.replace(used[0], "/v1.41/", 1)
        conn = UnixConnection(srv.engine.sock, 600)
        head = {k: v for k, v in self.headers.items() if k != "Host"}
        conn.request(self.command, path, body or None, head)
        if hit and srv.when == "amid":
            time.sleep(0.2)
            srv.strike()
            conn.close()
            self.close_connection = True
            return
        answer = conn.getresponse()
        if "/images/create" in path and not hit:
            self.stream(answer)
            conn.close()
            return
        data = answer.read()
        conn.close()
        if srv.change:
            data = srv.change(self.path, data)
        if hit and srv.when == "lost":
            self.give(500, "application/json", b'{"message":"rpc error: code ='
                      b' DeadlineExceeded desc = context deadline exceeded"}')
            return
        if hit:
            srv.strike()
            self.close_connection = True
            return
        if srv.api and path == "/version":
            told = json.loads(data)
            told["ApiVersion"], told["MinAPIVersion"] = srv.api
            data = json.dumps(told).encode()
        self.give(answer.status, answer.getheader("Content-Type"), data)

    def stream(self, answer):
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while data := answer.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def give(self, status, kind, data):
        self.send_response_only(status)
        if kind:
            self.send_header("Content-Type", kind)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PUT = pass_on

    def do_HEAD(self):
        """A look at one file of a container, or at the engine's clock."""
        conn = UnixConnection(self.server.engine.sock, 600)
        conn.request("HEAD", self.path)
        answer = conn.getresponse()
        conn.close()
        with self.server.lock:
            self.server.looks += "/archive" in self.path
        name = "X-Docker-Container-Path-Stat"
        self.send_response_only(answer.status)
        self.send_header(name, answer.getheader(name, ""))
        at = parsedate_to_datetime(answer.getheader("Date")).timestamp()
        self.send_header("Date", formatdate(at + self.server.ahead,
                                            usegmt=True))
        self.end_headers()

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
        os.mkdir(os.path.join(self.dir, "kept"))
        self.proxies, self.keys = 0, {}
        self.job = {"event": str(uuid.uuid4()), "container": name,
                    "registry": registry.host, "repository": name}
        self.how = {}  # more keys of the trigger's `deploy`
        self.grace = "300ms"

    def push(self, tag, digest=None, **more):
        """The next deploy is of this push."""
        self.job.update(event=str(uuid.uuid4()), tag=tag, **more)
        self.job.pop("digest", None)
        if digest:
            self.job["digest"] = digest

    def journal(self):
        return os.listdir(os.path.join(self.dir, "journal"))

    def wipe(self):
        """Nothing is remembered, neither of jobs nor beyond them."""
        for name in "journal", "kept":
            for f in os.listdir(os.path.join(self.dir, name)):
                os.unlink(os.path.join(self.dir, name, f))

    def kept(self):
        return os.listdir(os.path.join(self.dir, "kept"))

    def kept_text(self, name):
        with open(os.path.join(self.dir, "kept", name)) as f:
            return json.load(f)

    def forget(self, name):
        os.unlink(os.path.join(self.dir, "kept", name))

    def config(self, sock, trigger):
        """A configuration with this engine (and its keys in self.keys) and
        this trigger."""
        target = next((k for k in ("compose", "service") if self.job.get(k)),
                      "container")
        path = os.path.join(self.dir, f"{os.path.basename(sock)}.yml")
        with open(path, "w") as f:
            json.dump({
                "engines": [{"name": "local", "docker": "unix://" + sock,
                             **self.keys}],
                "triggers": [{"name": "web", "deploy": {
                    target: self.job.get(target), **self.how}, **trigger}]},
                    f)
        return path

    def run(self, command, proxy=None, env=None, grace=None, rule=None,
            rules=None, **more):
        """What the driver told; None when it was killed."""
        sock = proxy.server_address if proxy else self.engine.sock
        args = {**self.job, **more,
                "journal": os.path.join(self.dir, "journal")}
        p = subprocess.Popen([DRIVE, command,
                              self.config(sock, {
                                  "grace": grace or self.grace,
                                  "repository": rule or self.name,
                                  **(rules or {})}),
                              *(f"{k}={v}" for k, v in args.items())],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env={**os.environ, **(env or {})})
        if proxy:
            proxy.victim = p.pid
        out, err = p.communicate(timeout=600)
        print(f"{command}: {out}{err}")
        if p.returncode == -signal.SIGKILL:
            return None
        assert p.returncode == 0, err
        return json.loads(out)

    def deploy(self, **more):
        return self.run("deploy", **more)

    def recover(self, **more):
        return self.run("recover", **more)

    def tend(self, **more):
        return self.run("tend", **more)

    def spec(self, container, image, **more):
        """The body of the container's successor, and what to connect."""
        return self.run("spec", container=container, image=image, **more)

    def check(self, **env):
        """What ails the engine, '' for nothing."""
        env = {k: v for k, v in {**os.environ, **env}.items()
               if k != "DOCKER_CERT_PATH" or k in env}
        p = subprocess.run([DRIVE, "check", self.config(
            self.engine.sock, {"repository": self.name})],
                           capture_output=True, text=True, env=env)
        return p.stdout.strip()

    def gate(self):
        """A folder for /data of a container whose image is HELD."""
        path = os.path.join(self.dir, "gate")
        os.makedirs(path, exist_ok=True)
        return path

    def open_gate(self):
        with open(os.path.join(self.gate(), "go"), "w"):
            pass

    def proxy(self, at=0, when="after", api=None, meddle=None):
        self.proxies += 1
        return Proxy(self.engine, f"{self.dir}/{self.proxies}.sock", at, when,
                     api, meddle)

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
                  for n in c["Names"] if n.lstrip("/").startswith(prefix)
                  and n.count("/") == 1)


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


def run_auto_remove(d, image):
    made = d.engine.call("POST", "/containers/create",
                         {"Image": image, "Env": ["MINE=1"],
                          "HostConfig": {"AutoRemove": True}}, name=d.name)
    d.engine.call("POST", f"/containers/{made['Id']}/start")


def compose(d, n, image, **labels):
    return d.engine.run(f"{d.name}_app_{n}", image, labels={
        "com.docker.compose.project": d.name,
        "com.docker.compose.service": "app",
        "com.docker.compose.config-hash": "h",
        "com.docker.compose.container-number": str(n),
        "com.docker.compose.oneoff": "False", **labels})
