"""The four daemons in a folder of their own: configuration, life and death.

A Stack writes pullwire.yml into a temporary folder, with ipc:// links and
free ports, and starts daemons from a build. It keeps every output, reads rows
through GET /v1/records, and can kill, power-fail and restart each daemon.
"""
import glob
import json
import os
import random
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from .docker import TOP
from .reports import OPTIONS, PATIENCE

TOKEN = "rig-token-0123456789abcdef"
ANYBODY = ssl._create_unverified_context()  # only to see that it answers
UNLIMITED = {"rate": 1000000, "burst": 1000000}
DAEMONS = ("logger", "deployer", "matcher", "ingress")
BUILD = os.path.join(TOP, os.environ.get("PULLWIRE_BUILD", "build"))
BUILD_FAIL = os.path.join(TOP, os.environ.get("PULLWIRE_BUILD_FAIL",
                                              "build/fail"))


class Ports:
    """Ports from 20000 to 29999, of which each process of the tests has a
    hundred to itself: a daemon that is away for a moment finds its own again.
    Who has which, the names of sockets tell, which end with the process."""

    def __init__(self):
        self.first, self.next, self.owner = None, 0, socket.socket(
            socket.AF_UNIX)

    def take(self):
        if self.first is None:
            for part in random.sample(range(100), 100):
                try:
                    self.owner.bind(f"\0pullwire-test-ports-{part}")
                    break
                except OSError:
                    continue
            self.first = 20000 + 100 * part
        self.next += 1
        return self.first + self.next % 100


PORTS = Ports()


def free_port():
    while True:
        port = PORTS.take()
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, condition, seconds=60):
    """Polls until condition() is true and returns it; fails with what. The
    time is there to end a test that has failed, it is no promise."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.05)


SPIN = """import time
end = time.process_time() + 0.3
while time.process_time() < end: pass"""


def slowness():
    """How many times longer than on a machine that has nothing else to do
    things take just now: 1 at least, by the load and by a piece of work."""
    load = os.getloadavg()[0] / len(os.sched_getaffinity(0))
    begin, used = time.monotonic(), resource.getrusage(
        resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    took, now = time.monotonic() - begin, resource.getrusage(
        resource.RUSAGE_CHILDREN)
    return PATIENCE * max(1, load, took / (
        now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime))


def kept(what, took, seconds):
    """A promise of the product: it took less than so many seconds, or on a
    machine that has too much to do as many times longer as that is."""
    if took < seconds:
        return
    slow = slowness()
    assert took < seconds * slow, f"{what}: after {took:.2f} s, not " \
        f"{seconds}, on a machine {slow:.1f} times slower than by itself"


def within(what, condition, seconds):
    """Waits for what is promised within so many seconds."""
    begin = time.monotonic()
    got = wait_for(what, condition)
    kept(what, time.monotonic() - begin, seconds)
    return got


class Answer:
    """Status, headers and text of an HTTP answer, whatever the status."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def json(self):
        return json.loads(self.text)


def http(method, url, body=None, headers=None, timeout=60):
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout,
                                    context=ANYBODY) as a:
            return Answer(a.status, a.headers, a.read().decode())
    except urllib.error.HTTPError as a:
        return Answer(a.code, a.headers, a.read().decode())


class Daemon:
    """One running program. name is its instance, role its program."""

    def __init__(self, stack, role, name, env, preload=None):
        self.stack, self.role, self.name = stack, role, name
        self.out = os.path.join(stack.dir, name + ".out")
        self.err = os.path.join(stack.dir, name + ".err")
        env = {"PATH": os.environ["PATH"], "PULLWIRE_INSTANCE": name,
               "LANG": "C.UTF-8", **OPTIONS, **env}
        if preload:
            env["LD_PRELOAD"] = preload
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.process = subprocess.Popen(
                [os.path.join(stack.build, "pullwire-" + role), "-c",
                 stack.config], stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, env=env, cwd=stack.dir)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()

    def terminate(self):
        """TERM; another one would end it at once."""
        if self.alive():
            self.process.terminate()

    def ended(self, seconds=60):
        """The exit status, of one that was told to end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {seconds} s"
                                 " of SIGTERM")

    def stop(self, seconds=60):
        """TERM; the exit status."""
        self.terminate()
        return self.ended(seconds)

    def log(self):
        with open(self.err, errors="replace") as f:
            return f.read()


class Stack:
    def __init__(self, triggers, engines=None, sources=None, build=BUILD,
                 **sections):
        self.dir = tempfile.mkdtemp(prefix="pw-", dir="/tmp")
        self.build = build
        self.ingress_port, self.logger_port = free_port(), free_port()
        self.daemons = {}
        self.environment = {}  # more of it, for all daemons
        self.fail_dir = self.path("fail")
        os.mkdir(self.fail_dir)
        self.config = self.path("pullwire.yml")
        self.settings = self.defaults(triggers, engines, sources)
        for name, values in sections.items():
            if isinstance(values, dict):
                self.settings.setdefault(name, {}).update(values)
            else:
                self.settings[name] = values
        self.write()

    def path(self, name):
        return os.path.join(self.dir, name)

    def defaults(self, triggers, engines, sources):
        link = "ipc://" + self.path("links") + "/"
        return {
            "run": self.path("run"),
            "sources": sources or [
                {"name": "push", "type": "generic", **UNLIMITED,
                 "auth": {"bearer": TOKEN}},
                {"name": "registry", "type": "distribution", **UNLIMITED,
                 "auth": {"bearer": TOKEN}},
            ],
            "triggers": triggers,
            "engines": [{"name": n, "docker": "unix://" + s}
                        for n, s in (engines or {}).items()],
            "ingress": {"http": f"127.0.0.1:{self.ingress_port}",
                        "link": link + "ingress",
                        "state": self.path("ingress")},
            "deployer": {"link": link + "deployer",
                         "state": self.path("deployer"),
                         "allow_private": ["127.0.0.1/32:1025-65535"]},
            "logger": {"http": f"127.0.0.1:{self.logger_port}",
                       "link": link + "logger", "format": "json",
                       "store": "sqlite:" + self.path("logger/log.db")},
            "matcher": {"ingress": [link + "ingress"],
                        "deployer": [link + "deployer"],
                        "logger": [link + "logger"]},
        }

    def write(self):
        """Two levels of YAML; deeper values in its JSON subset."""
        lines = []
        for key, value in self.settings.items():
            if isinstance(value, dict):
                lines.append(key + ":")
                lines += [f"  {k}: {json.dumps(v)}"
                          for k, v in value.items()]
            elif isinstance(value, list):
                lines.append(key + (":" if value else ": []"))
                lines += ["  - " + json.dumps(v) for v in value]
            else:
                lines.append(f"{key}: {json.dumps(value)}")
        with open(self.config, "w") as f:
            f.write("\n".join(lines) + "\n")

    # ---- life and death

    def start(self, *names, fail=None, snapshot=None, env=None):
        """names: roles or ROLE-SUFFIX; all four without. fail: what
        PULLWIRE_FAIL says. snapshot: the power-loss library; each store it
        watches is the folder of the daemon's role. env: more of it."""
        more = env
        # A build whose guard is off: its tests must fail (test_mutations.py).
        fail = fail or os.environ.get("PULLWIRE_MUTATION")
        for name in names or DAEMONS:
            role = name.partition("-")[0]
            env = {**self.environment, **(more or {})}
            os.makedirs(self.path(role), mode=0o700, exist_ok=True)
            if fail:
                env.update(PULLWIRE_FAIL=fail, PULLWIRE_FAIL_DIR=self.fail_dir)
            if snapshot:
                env["SYNCSNAP_DIR"] = self.path(role)
            self.daemons[name] = Daemon(self, role, name, env, snapshot)
        for name in names or DAEMONS:
            self.wait_up(name)
        return self

    def wait_up(self, name):
        daemon = self.daemons[name]

        def up():
            assert daemon.alive(), \
                f"{name} ended with {daemon.process.returncode}"
            if daemon.role == "ingress":
                return self.get_quietly(
                    self.ingress_port, "/healthz",
                    "https" if "tls" in self.settings["ingress"] else "http")
            if daemon.role == "logger":
                return self.get_quietly(self.logger_port, "/healthz")
            return glob.glob(self.path(f"run/{name}.status"))

        wait_for(f"{name} runs", up)

    def run(self, role, *args, **env):
        """A command of a program with this configuration, to its end."""
        return subprocess.run(
            [os.path.join(self.build, "pullwire-" + role), "-c", self.config,
             *args], capture_output=True, text=True, timeout=120,
            cwd=self.dir, env={"PATH": os.environ["PATH"], **OPTIONS,
                               **env})

    def get_quietly(self, port, path, scheme="http", timeout=60):
        try:
            return http("GET", f"{scheme}://127.0.0.1:{port}{path}",
                        timeout=timeout).status == 200
        except OSError:
            return False

    def kill(self, name):
        self.daemons[name].kill()

    def stop(self, name):
        return self.daemons[name].stop()

    def power_fail(self, name):
        """After kill: what was never synced is gone (crash/syncsnap.c tells
        what is kept where). Needs snapshot=."""
        state = self.path(self.daemons[name].role)
        assert not self.daemons[name].alive()
        shutil.rmtree(state)
        os.mkdir(state, 0o700)
        for link in os.scandir(state + ".synced"):
            if link.name.endswith("-shm"):
                continue  # shared memory of SQLite, no storage
            kept = os.readlink(link.path)
            to = os.path.join(state, link.name)
            if os.path.exists(kept):
                shutil.copyfile(kept, to)
                os.chmod(to, 0o600)
            else:
                open(to, "x").close()
        shutil.rmtree(state + ".synced")
        shutil.rmtree(state + ".bytes")

    def hit(self, point):
        return os.path.exists(os.path.join(self.fail_dir, point + ".hit"))

    def wait_hit(self, point, seconds=60):
        wait_for(f"the failure point {point} is reached",
                 lambda: self.hit(point), seconds)

    def go(self, point):
        with open(os.path.join(self.fail_dir, point + ".go"), "w"):
            pass

    def end(self):
        for daemon in self.daemons.values():
            if daemon.alive():
                daemon.process.terminate()
        deadline = time.monotonic() + 3 * PATIENCE
        for daemon in self.daemons.values():
            try:
                daemon.process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                daemon.kill()

    def close(self):
        """Everything ends; the folder stays for a look with KEEP set."""
        self.end()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- in and out

    def post(self, body, source="push", token=TOKEN, headers=None, query=""):
        """As every sender does it: again, when it was not stored in time."""
        head = {"Content-Type": "application/json", **(headers or {})}
        if token:
            head["Authorization"] = "Bearer " + token
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        end = time.monotonic() + 60
        while True:
            answer = http("POST", f"http://127.0.0.1:{self.ingress_port}"
                          f"/v1/webhooks/{source}{query}", body, head)
            if answer.status != 503 or "not stored in time" not in \
                    answer.text or time.monotonic() > end:
                return answer
            time.sleep(0.2)

    def push(self, repository, tag, digest=None):
        """A generic push that must be accepted; returns its event id."""
        body = {"name": repository, "tag": tag}
        if digest:
            body["digest"] = digest
        answer = self.post(body)
        assert answer.status == 202, (answer.status, answer.text)
        return answer.json()["id"]

    def get(self, path, port=None, accept="*/*"):
        return http("GET", f"http://127.0.0.1:{port or self.logger_port}"
                    + path, headers={"Accept": accept})

    def rows(self, **filters):
        """All rows of the access log that fit, oldest first."""
        rows, after = [], None
        while True:
            query = {**filters, "limit": 500}
            if after:
                query["after"] = after
            page = self.get("/v1/records?"
                            + urllib.parse.urlencode(query)).json()
            rows += page["records"]
            after = page.get("next")
            if not after:
                return sorted(rows, key=lambda r: (r["time"], r["id"]))

    def finals(self, **filters):
        return [r for r in self.rows(**filters) if r["final"]]

    def wait_final(self, event, trigger=None, seconds=60):
        """The event's final row (of the trigger); it must be the only one."""
        filters = {"event": event, **({"trigger": trigger} if trigger else {})}
        wait_for(f"a final row of {event}",
                 lambda: self.finals(**filters), seconds)
        rows = self.finals(**filters)
        assert len(rows) == 1, rows
        return rows[0]

    def report(self):
        """The daemons' logs and the rows, for a failed test."""
        parts = []
        for name, daemon in self.daemons.items():
            state = "runs" if daemon.alive() else \
                f"ended with {daemon.process.returncode}"
            parts.append(f"---- {name} ({state})\n"
                         + "\n".join(daemon.log().splitlines()[-60:]))
        try:
            parts.append("---- rows\n" + "\n".join(
                json.dumps(r) for r in self.rows()))
        except Exception as e:
            parts.append(f"---- rows: {e}")
        return "\n".join(parts)
