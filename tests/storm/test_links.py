"""Traffic between the daemons that is late, comes twice and breaks off."""
import os
import sqlite3
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "crash"))
import pushes  # noqa: E402
from peer.sink import Sink  # noqa: E402
from rig.badlink import TYPES, BadLinks  # noqa: E402
from rig.stack import free_port, wait_for  # noqa: E402

LONG = os.environ.get("PULLWIRE_FAULTS") == "1"
ROUNDS = 2 if LONG else 1
EACH = 10 if LONG else 1  # so many of each kind come twice, and are cut
SLOW = 20 if LONG else 2  # seconds of messages that are three seconds late
QUIET = 35 if LONG else 1  # more of silence: longer than any lease lasts


@pytest.fixture
def links():
    made = BadLinks("links")
    yield made
    made.close()


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def through(stack, links):
    """Every connection between two daemons goes through the proxy."""
    for role in ("ingress", "deployer", "logger"):
        port = free_port()
        stack.settings[role]["link"] = f"tcp://127.0.0.1:{port}"
        stack.settings["matcher"][role] = [
            f"tcp://127.0.0.1:{links.front(port)}"]
    stack.write()


def given_up(stack):
    """How many sessions have ended because nothing was heard."""
    return sum(d.log().count("it has been silent too long")
               for d in stack.daemons.values())


def undone(stack):
    with sqlite3.connect(f"file:{stack.path('ingress/spool.db')}?mode=ro",
                         uri=True) as spool:
        return spool.execute("select count(*) from event where state <> "
                             "'done'").fetchone()[0]


def storm(stack, links):
    """Doubled and cut, then late, then silent until all sessions are over;
    what was late comes into those that follow."""
    want = {f"{name} twice": links.count[f"{name} twice"] + EACH
            for name in TYPES.values()}
    want["cut"] = links.count["cut"] + EACH
    links.be(delay=0.1, twice=0.05, cut=0.01)
    wait_for("each kind comes twice", lambda: all(
        links.count[what] >= n for what, n in want.items()), 120)
    links.be(delay=3.0, twice=0.05, cut=0.01)
    time.sleep(SLOW)
    before = given_up(stack)
    links.silent = True
    wait_for("peers are given up", lambda: given_up(stack) > before, 60)
    time.sleep(QUIET)
    links.silent = False


def test_late_twice_and_cut(stacks, links, sink):
    """Nobody dies, so nothing at all is done twice: one final row each, and
    each notification once."""
    stack = stacks([
        {"name": "tell", "repository": "shop/web", "url": sink.url()},
        {"name": "never", "repository": "shop/web", "tags": ["none"],
         "url": sink.url()}])
    through(stack, links)
    stack.start()
    sender = pushes.Sender(stack)
    begin = time.monotonic()
    for _ in range(ROUNDS):
        storm(stack, links)
    links.be()
    bad = time.monotonic() - begin
    sender.stop()
    wait_for("every final row", lambda: not pushes.missing(stack, sender),
             300)
    pushes.settle(stack, sender, sink, repeats=0)
    wait_for("every event is done", lambda: not undone(stack), 60)
    assert all(d.alive() for d in stack.daemons.values())
    print({"acked": len(sender.acked), "bad_s": round(bad, 1),
           "settled_s": round(time.monotonic() - begin - bad, 1),
           "given_up": given_up(stack), **links.count})
