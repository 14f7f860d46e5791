"""The access log in PostgreSQL: two loggers on one log, one killed; the server
away for a while; its password nowhere to be read."""
import os
import subprocess

import pytest

from rig.docker import TOP
from rig.stack import wait_for

RIG = os.path.join(TOP, "tests/rig/postgresql.sh")
NAME = os.environ.get("PULLWIRE_REGISTRY", "registry") + "-postgresql"
PASSWORD = "rig-password"


def rig(command):
    return subprocess.run([RIG, command, NAME], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=60).stdout


@pytest.fixture
def server():
    url = rig("up").strip().partition("=")[2]
    yield url
    rig("clean")


def finals(stack, events):
    return {e: stack.finals(event=e) for e in events}


def test_two_loggers_and_an_outage(stacks, server):
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

    events = [first.push("shop/web", f"v{i}") for i in range(100)]
    first.kill("logger")
    events += [first.push("shop/web", f"w{i}") for i in range(100)]
    wait_for("every event has its row", lambda: len(
        second.finals(status="untriggered")) == 200, 30)
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
            trigger="web")) == 220, 30)
    assert set(late) < {r["event"] for r in second.finals(trigger="web")}
    wait_for("all is well again", lambda: ready(first) and ready(second))

    shown = first.run("logger", "log", "--event", late[0], "--json")
    assert shown.returncode == 0 and late[0] in shown.stdout, shown.stderr
    written = first.get("/readyz").text + shown.stdout + shown.stderr
    for stack in first, second:
        written += "".join(d.log() for d in stack.daemons.values())
    assert PASSWORD not in written


def test_no_store_is_named_without_its_password(stacks):
    stack = stacks([], logger={"store": f"postgresql://u:{PASSWORD}@[::1/db"})
    checked = stack.run("logger", "-n")
    assert checked.returncode == 2
    assert "logger.store" in checked.stderr or "store:" in checked.stderr
    assert PASSWORD not in checked.stderr
