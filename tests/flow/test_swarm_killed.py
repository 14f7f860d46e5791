"""Updates of a Swarm's service, the driver killed at its steps, or the engine
gone with an answer: what the next process does."""
import os
import signal
import threading

import pytest

from rig.drive import CRASH, drive, drive_program  # noqa: F401
from rig.stack import wait_for
from rig.swarm import BAD, NAME, WATCHED
from rig.swarm import finish, sw, swarm, updates  # noqa: F401

@pytest.mark.parametrize("kind,at,when", [
    ("good", 1, "before"), ("good", 1, "amid"), ("bad", 1, "after"),
    ("bad", 2, "before"), ("bad", 2, "amid")])
def test_killed(sw, kind, at, when):
    """Before a call, amid it and after it: one update for one job."""
    sw.create(monitor=WATCHED if kind == "bad" else 300)
    sw.put("v2", **(BAD["crash"] if kind == "bad" else {}))
    proxy = sw.proxy(at, when)
    assert sw.deploy(proxy=proxy) is None
    assert len(sw.journal()) == 1
    sent = updates(proxy)[:-1] if when == "before" else updates(proxy)
    finish(sw, kind, sent)


def test_killed_before_and_others_after(sw):
    """Killed with the note written and the update not yet sent; then someone
    changes a label. Tasks of before that ran the same image, and a version that
    has moved, are no proof of our update; nor by force."""
    sw.create()
    for tag in ("v2", "v1"):
        sw.put(tag)
        assert sw.deploy()["status"] == "deployed"
    for n, more in enumerate(({}, {"force": 1})):
        sw.wipe()
        now = sw.swarm.image(NAME)
        old = [t["ID"] for t in sw.swarm.running(NAME)]
        sw.push("v2", sw.digest["v2"])
        assert sw.deploy(proxy=sw.proxy(1, "before"), **more) is None
        assert len(sw.journal()) == 1
        sw.swarm.update(NAME, lambda s: s["Labels"].update(n=str(n)))
        assert sw.swarm.image(NAME) == now
        proxy = sw.proxy()
        r = sw.deploy(proxy=proxy, **more)
        assert r["status"] == "deployed", r
        assert updates(proxy) == ["update"]
        assert sw.swarm.image(NAME) == sw.pinned("v2")
        assert sw.swarm.service(NAME)["Spec"]["Labels"] == {"n": str(n)}
        new = [t["ID"] for t in sw.swarm.running(NAME)]
        assert len(new) == 1 and new != old


@pytest.mark.parametrize("action", ["pause", "rollback"])
def test_killed_while_it_waits(sw, action):
    sw.create(action, monitor=WATCHED)
    # It lives long enough for us to be killed before.
    sw.put("v2", files=[(CRASH[0], CRASH[1].replace("echo", "sleep 5\necho"))])
    proxy = sw.proxy()
    told = []
    t = threading.Thread(target=lambda: told.append(sw.deploy(proxy=proxy)))
    t.start()
    wait_for("the update goes on",
             lambda: sw.swarm.status(NAME) == "updating")
    os.kill(proxy.victim, signal.SIGKILL)
    t.join()
    assert told == [None]
    if action == "rollback":
        # Swarm does it all while nobody looks.
        wait_for("Swarm is back",
                 lambda: sw.swarm.status(NAME) == "rollback_completed", 120)
        r = sw.deploy()
        assert r["status"] == "rolled_back", r
        assert "Swarm went back" in r["reason"]
        assert sw.swarm.image(NAME) == sw.pinned("v1")
    else:
        finish(sw, "bad", updates(proxy))


def test_engine_away(sw):
    """It goes away with the answer to the update."""
    sw.create()
    sw.put("v2")
    proxy = sw.proxy(1, "cut")
    r = sw.deploy(proxy=proxy)
    assert r["status"] == "waiting", r
    assert len(sw.journal()) == 1
    finish(sw, "good", ["update"])


def test_answer_lost(sw):
    """The Swarm takes the update, and the manager says that it failed: it is
    waited for all the same."""
    sw.create()
    sw.put("v2")
    proxy = sw.proxy(1, "lost")
    r = sw.deploy(proxy=proxy)
    assert (r["status"], r["retry"]) == ("failed", True), r
    assert "was not updated, as far as is known" in r["reason"]
    finish(sw, "good", updates(proxy))
