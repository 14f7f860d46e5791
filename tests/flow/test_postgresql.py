"""The access log in PostgreSQL: two loggers on one log, one killed; the server
away for a while; its password nowhere to be read."""
import http.client
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from rig.docker import TOP
from rig.stack import kept, wait_for

RIG = os.path.join(TOP, "tests/rig/postgresql.sh")
NAME = os.environ.get("PULLWIRE_REGISTRY", "registry") + "-postgresql"
PASSWORD = "rig-password"


def rig(command):
    return subprocess.run([RIG, command, NAME], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=300).stdout


@pytest.fixture
def server():
    url = rig("up").strip().partition("=")[2]
    yield url
    rig("clean")


def finals(stack, events):
    return {e: stack.finals(event=e) for e in events}


def pair(stacks, server):
    """Two loggers on one log; the first stack has the other processes."""
    triggers = [{"name": "web", "repository": "shop/web", "tags": ["never"],
                 "url": "http://127.0.0.1:1025/"}]
    second = stacks(triggers)
    link = "ipc://" + second.path("links") + "/logger"
    first = stacks(triggers)
    with open(first.path("secret"), "w") as f:
        f.write(PASSWORD + "\n")
    for stack in first, second:
        stack.settings["logger"].update({
            "store": server.replace(":" + PASSWORD, ""),
            "store_password_file": first.path("secret")})
        stack.settings["matcher"]["logger"] = [
            "ipc://" + first.path("links") + "/logger", link]
        stack.write()
    second.start("logger-b")
    first.start()
    return first, second


def test_two_loggers_and_an_outage(stacks, server):
    first, second = pair(stacks, server)
    events = [first.push("shop/web", f"v{i}") for i in range(100)]
    first.kill("logger")
    events += [first.push("shop/web", f"w{i}") for i in range(100)]
    wait_for("every event has its row", lambda: len(
        second.finals(status="untriggered")) == 200)
    first.start("logger")
    for stack in first, second:  # either one answers for both
        assert {r["event"] for r in stack.finals(trigger="web")} == set(events)
        assert len(stack.rows()) == 200

    ready = lambda s: s.get("/readyz").status == 200  # noqa: E731
    wait_for("all is well", lambda: ready(first) and ready(second))
    rig("down")
    late = [first.push("shop/web", f"x{i}") for i in range(20)]
    wait_for("/readyz says why", lambda: all(
        s.get("/readyz").status == 503 and "PostgreSQL" in s.get("/readyz").text
        for s in (first, second)))
    assert first.get("/v1/records").status == 503
    rig("up")
    wait_for("the rows that waited", lambda: first.get(
        "/v1/records").status == 200 and len(first.finals(
            trigger="web")) == 220)
    assert set(late) < {r["event"] for r in second.finals(trigger="web")}
    wait_for("all is well again", lambda: ready(first) and ready(second))

    shown = first.run("logger", "log", "--event", late[0], "--json")
    assert shown.returncode == 0 and late[0] in shown.stdout, shown.stderr
    written = first.get("/readyz").text + shown.stdout + shown.stderr
    for stack in first, second:
        written += "".join(d.log() for d in stack.daemons.values())
    assert PASSWORD not in written


class Stream:
    """What a browser does: it reads rows as they come, and when its logger is
    gone it goes on at another one, after the last row that it has."""

    def __init__(self, port):
        self.rows, self.last, self.lock = [], None, threading.Lock()
        self.open(port)

    def open(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port,
                                                     timeout=120)
        self.connection.request("GET", "/v1/stream", headers={
            "Last-Event-ID": self.last} if self.last else {})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.read_event()[1] == "hello"  # it begins here
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read_event(self):
        fields = {}
        while True:
            line = self.answer.readline().decode()
            if not line:
                raise EOFError
            if line == "\n" and "event" in fields:
                self.last = fields["id"]
                return fields["id"], fields["event"], fields["data"]
            key, colon, value = line.rstrip("\n").partition(": ")
            if colon and key:
                fields[key] = value

    def read(self):
        try:
            while True:
                _, event, data = self.read_event()
                assert event == "row"
                with self.lock:
                    self.rows.append(json.loads(data)["event"])
        except (EOFError, OSError, http.client.HTTPException):
            pass  # the logger is gone

    def events(self):
        with self.lock:
            return list(self.rows)


def test_a_stream_has_the_rows_of_both_and_outlives_one(stacks, server):
    first, second = pair(stacks, server)
    first.wait_final(first.push("shop/web", "before"), trigger="web")
    stream = Stream(second.logger_port)
    pushed, stop = [], threading.Event()

    def push():
        while not stop.is_set():
            pushed.append(first.push("shop/web", f"v{len(pushed)}"))

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        # Each logger takes a part of the rows; the page of one has all.
        wait_for("both have stored rows", lambda: all(
            "pullwire_rows_total{" in s.get("/metrics").text
            for s in (first, second)))
        wait_for("rows come", lambda: len(stream.events()) > 100)
        second.kill("logger-b")
        stream.thread.join(60)
        before = len(stream.events())
        stream.open(first.logger_port)
        wait_for("rows go on", lambda: len(stream.events()) > before + 100)
    finally:
        stop.set()
        pusher.join()
    wait_for("all rows came", lambda: set(stream.events()) == set(pushed))
    assert len(stream.events()) == len(pushed)  # none twice


def http_get(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    c.request("GET", path)
    return c.getresponse().status


def backends(server):
    """The server's processes for a logger, and last who would take new ones."""
    pids = [int(pid) for pid in subprocess.run(
        ["psql", "-qAtX", "-d", server, "-c", "SELECT pid FROM pg_stat_activity"
         " WHERE application_name = 'pullwire-logger'"], check=True, text=True,
        stdout=subprocess.PIPE).stdout.split()]
    assert len(pids) >= 2
    with open(f"/proc/{pids[0]}/stat") as f:
        return pids + [int(f.read().rpartition(")")[2].split()[1])]


def test_a_server_that_says_nothing_holds_up_no_health(stacks, server):
    """Its processes are stopped: connections stay, answers do not come."""
    stack = stacks([], logger={"store": server}).start()
    wait_for("a row is read", lambda: stack.get("/v1/records").status == 200)
    pids = backends(server)
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(http_get(
        stack.logger_port, "/v1/records"))) for _ in range(12)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for asker in askers:
            asker.start()
        slowest = 0
        while any(asker.is_alive() for asker in askers):
            start = time.monotonic()
            assert stack.get("/healthz").status == 200
            slowest = max(slowest, time.monotonic() - start)
            if answers:  # connections are taken again; ours stay stopped
                os.kill(pids[-1], signal.SIGCONT)
            time.sleep(0.05)
        kept("the slowest /healthz", slowest, 1)
        assert set(answers) == {200, 503}, answers
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    event = stack.push("shop/web", "v1")
    wait_for("rows are stored again", lambda: stack.finals(event=event))


def test_a_server_that_says_nothing_holds_up_no_end(stacks, server):
    """The logger ends with a row and questions in hand; the row comes again."""
    stack = stacks([], logger={"store": server}).start()
    wait_for("a row is read", lambda: stack.get("/v1/records").status == 200)
    pids = backends(server)

    def ask():
        try:
            http_get(stack.logger_port, "/v1/records")
        except (OSError, http.client.HTTPException):
            pass

    askers = [threading.Thread(target=ask) for _ in range(12)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        event = stack.push("shop/web", "v1")
        for asker in askers:
            asker.start()
        time.sleep(1)  # the row and the questions are on their way
        begin = time.monotonic()
        assert stack.daemons["logger"].stop() == 0
        kept("the logger has ended", time.monotonic() - begin, 10)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    for asker in askers:
        asker.join()
    stack.start("logger")
    wait_for("the row is there", lambda: stack.finals(event=event))


def test_no_store_is_named_without_its_password(stacks):
    stack = stacks([], logger={"store": f"postgresql://u:{PASSWORD}@[::1/db"})
    checked = stack.run("logger", "-n")
    assert checked.returncode == 2
    assert "logger.store" in checked.stderr or "store:" in checked.stderr
    assert PASSWORD not in checked.stderr
