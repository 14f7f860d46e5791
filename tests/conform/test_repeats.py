"""What comes twice, late or out of a session that has ended, spoken to the
real programs on the wire: nothing is done twice, nothing ends that did not."""
import os
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zmtp  # noqa: E402
from peer.sink import Sink  # noqa: E402
from rig.stack import wait_for  # noqa: E402

ID = "01890a5d-ac96-774b-bcce-b302099a%04x"


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def heard(peer, *names, seconds=60):
    """The next message of one of these names."""
    end = time.monotonic() + seconds
    while True:
        message = peer.hear(max(0.1, end - time.monotonic()))
        if message[0] in names:
            return message


def connect(stack, role):
    """Its socket may not be there yet, or be that of the process before."""
    def peer():
        try:
            return zmtp.Peer(stack.path("links/" + role))
        except (OSError, zmtp.Gone):
            return None

    return wait_for(f"{role} listens", peer)


def leases_of(ack):
    got = set(ack.get("leases", []))
    if ack.get("from"):
        got |= set(range(ack["from"], ack["upto"] + 1))
    return got


def job(i):
    event = ID % i
    return {"id": f"{event}/tell", "trigger": "tell", "lane": "http",
            "reason": "the tag matches", "event": {
                "id": event, "source": "push", "repository": "shop/web",
                "tag": f"v{i}", "time": 1700000000000 + i}}


def test_a_job_that_comes_again_is_done_once(stacks, sink):
    """In the same session, in the next one, and after the deployer was
    killed: acknowledged each time, posted once, one final row."""
    stack = stacks([{"name": "tell", "repository": "shop/*",
                     "url": sink.url()}]).start("logger", "deployer")

    def send(peer, *leases):
        for lease in leases:
            peer.say("JOB", job(1), lease)
        left = set(leases)
        while left:
            left -= leases_of(heard(peer, "ACK")[2])

    peer = connect(stack, "deployer")
    peer.hello("matcher")
    send(peer, 1, 2)
    wait_for("the post", lambda: sink.requests)
    send(peer, 3)
    stack.wait_final(job(1)["event"]["id"], "tell")
    send(peer, 4)
    peer.close()
    stack.kill("deployer")
    stack.start("deployer")
    peer = connect(stack, "deployer")
    peer.hello("matcher")
    send(peer, 1)
    time.sleep(0.5)  # a second post would come now
    assert len(sink.requests) == 1
    assert len(stack.finals(trigger="tell")) == 1
    peer.close()


def test_a_message_that_comes_again_ends_the_session(stacks, sink):
    """The same bytes twice are not the dialogue: whoever sends them begins
    anew, and nothing is lost by it."""
    stack = stacks([{"name": "tell", "repository": "shop/*",
                     "url": sink.url()}]).start("logger", "deployer")
    peer = connect(stack, "deployer")
    peer.hello("matcher")
    heard(peer, "CREDIT")
    peer.say("JOB", job(1), 1)
    peer.say("JOB", job(1), 1)
    heard(peer, "RESET")
    peer.hello("matcher")
    peer.say("JOB", job(2), 1)
    assert leases_of(heard(peer, "ACK")[2]) == {1}
    for i in (1, 2):
        assert stack.wait_final(job(i)["event"]["id"])["status"] == "200"
    assert len(sink.requests) == 2
    peer.close()


def state_of(stack, event):
    with sqlite3.connect(stack.path("ingress/spool.db")) as spool:
        return spool.execute("select state from event where id = ?",
                             (event,)).fetchone()[0]


def test_late_acknowledgements_end_nothing(stacks):
    """Of a lease that was given back, and of a session that has ended."""
    stack = stacks([]).start("ingress")
    event = stack.push("shop/web", "v1")
    peer = connect(stack, "ingress")
    peer.hello("matcher")
    peer.say("CREDIT", {"total": 10})
    _, first, _ = heard(peer, "EVENT")
    peer.say("NACK", {"lease": first, "delay_ms": 0, "reason": "not now"})
    _, second, _ = heard(peer, "EVENT")
    assert second == first + 1
    peer.say("ACK", {"leases": [first], "credit": 20})
    assert peer.silent(1)
    assert state_of(stack, event) == "pending"
    # The other end of a network that was away: its session is over here.
    late = connect(stack, "ingress")
    peer.close()
    late.say("ACK", {"leases": [second]})
    heard(late, "RESET")
    late.hello("matcher", "late")
    late.say("CREDIT", {"total": 10})
    _, third, _ = heard(late, "EVENT")
    late.say("ACK", {"leases": [second], "credit": 20})
    assert late.silent(1)
    assert state_of(stack, event) == "pending"
    late.say("ACK", {"leases": [third]})
    wait_for("done", lambda: state_of(stack, event) == "done")
    late.close()


def test_a_body_that_comes_again_is_one_event(stacks):
    stack = stacks([]).start("logger", "matcher", "deployer", "ingress")
    body = {"events": [{
        "id": "the-one", "action": "push",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "target": {"mediaType": "application/vnd.docker.distribution"
                                ".manifest.v2+json",
                   "digest": "sha256:" + "0" * 64,
                   "repository": "shop/web", "tag": "v1"}}]}
    answers = [stack.post(body, "registry") for _ in range(2)]
    assert [a.status for a in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    stack.wait_final(answers[0].json()["id"])
    assert len(stack.finals()) == 1
