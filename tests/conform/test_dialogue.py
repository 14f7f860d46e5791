"""The dialogue of docs/WIRE.md, spoken by zmtp.py with the real programs: a
logger that binds and receives, an ingress that binds and sends, an ingress
that connects and sends."""
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
import zmtp  # noqa: E402
from rig.stack import TOKEN, http, kept  # noqa: E402

ID = "01890a5d-ac96-774b-bcce-b302099a%04x"


def link(stack, role):
    return stack.path("links/" + role)


def leases_of(ack):
    got = set(ack.get("leases", []))
    if ack.get("from"):
        got |= set(range(ack["from"], ack["upto"] + 1))
    return got


# ---- a binding end that receives: the logger -------------------------------

@pytest.fixture
def logger(stacks):
    stack = stacks([]).start("logger")
    peer = zmtp.Peer(link(stack, "logger"))
    yield stack, peer
    peer.close()


NOW = int(time.time() * 1000)  # what is older than retention goes


def record(i, **more):
    event = ID % i
    return {"time": NOW + i, "id": event + "//0/no_trigger",
            "event": event, "status": "no_trigger", "final": True, **more}


def session(peer, role="matcher"):
    """HELLO, and the credit that comes with it."""
    assert peer.hello(role)["role"] == "logger"
    name, _, body = peer.hear()
    assert name == "CREDIT" and body["total"] > 0
    return body["total"]


def acked(peer, leases):
    """Takes ACKs until these leases are in them; the credit of the last."""
    left = set(leases)
    while left:
        name, _, body = peer.hear()
        if name == "CREDIT":
            continue
        assert name == "ACK", (name, body)
        assert leases_of(body) <= left
        left -= leases_of(body)
    return body["credit"]


def test_reset_before_hello(logger):
    _, peer = logger
    for name, body, lease in (("PING", {}, 0), ("CREDIT", {"total": 1}, 0),
                              ("RECORD", record(1), 1), ("BYE", {}, 0)):
        peer.say(name, body, lease)
        assert peer.hear() == ("RESET", 0, {})


def test_record_is_acknowledged_and_stored(logger):
    stack, peer = logger
    credit = session(peer)
    for i in range(1, 41):
        peer.say("RECORD", record(i), lease=1000 + i)
    assert acked(peer, range(1001, 1041)) == credit + 40
    rows = http("GET", f"http://127.0.0.1:{stack.logger_port}"
                "/v1/records?limit=100").json()
    ids = [r["id"] for r in rows.get("records", rows)]
    assert sorted(ids) == sorted(record(i)["id"] for i in range(1, 41))


def test_hello_again_changes_nothing(logger):
    _, peer = logger
    answer = peer.hello("matcher", session=42)
    assert answer["instance"]
    name, _, body = peer.hear()
    peer.say("RECORD", record(1), lease=7)
    acked(peer, [7])
    assert peer.hello("matcher", session=42) == answer
    name, _, again = peer.hear()
    assert name == "CREDIT" and again["total"] == body["total"] + 1
    peer.say("RECORD", record(2), lease=8)
    acked(peer, [8])


def test_new_session_counts_anew(logger):
    _, peer = logger
    credit = session(peer)
    for i in (1, 2):
        peer.say("RECORD", record(i), lease=i)
    acked(peer, [1, 2])
    assert session(peer) == credit
    peer.say("RECORD", record(1), lease=1)
    assert acked(peer, [1]) == credit + 1


def test_gap_ends_the_session(logger):
    _, peer = logger
    session(peer)
    peer.say("RECORD", record(1), lease=1)
    acked(peer, [1])
    peer.say("RECORD", record(2), lease=3)
    assert peer.hear()[0] == "RESET"
    peer.say("PING")
    assert peer.hear()[0] == "RESET"
    session(peer)
    peer.say("RECORD", record(2), lease=1)
    acked(peer, [1])


def test_bad_messages_are_told_and_survived(logger):
    stack, peer = logger
    session(peer)
    good = wire.encode("PING", 0, {})
    for data, text in (
            (good.replace(b"PW\x01", b"PW\x02"), "version 2"),
            (good.replace(b"\x06", b"\x63"), "unknown message type 99"),
            (b"GET / HTTP/1.1\r\n\r\n", "not a message"),
            (b"\xdd\x0f\xff\xff\xff", "not a message"),
            (b"", "not a message"),
            (good + b"\0", "left over"),
            (wire.encode("JOB", 1, {}), "missing")):
        peer.say_bytes(data)
        name, _, body = peer.hear()
        assert name == "ERROR" and text in body["text"], (data, body)
        if b"\x11" in data[:6]:
            assert peer.hear()[0] == "NACK"
    peer.say("RECORD", record(1), lease=2)
    acked(peer, [2])
    assert stack.daemons["logger"].alive()


def test_unknown_fields_are_skipped(logger):
    _, peer = logger
    session(peer)
    peer.say("RECORD", record(1, new={"a": [1, None, 2.5]}, newer="x"),
             lease=1)
    acked(peer, [1])


def test_payload_that_cannot_be_read_gets_a_nack(logger):
    _, peer = logger
    session(peer)
    bad = record(1)
    del bad["event"]
    peer.say("RECORD", bad, lease=1)
    assert peer.hear()[0] == "ERROR"
    name, _, body = peer.hear()
    assert name == "NACK" and body["lease"] == 1
    assert body["delay_ms"] > 0 and "record.event" in body["reason"]
    peer.say("RECORD", record(2), lease=2)
    acked(peer, [2])


def test_beyond_credit_is_refused(logger):
    _, peer = logger
    credit = session(peer)
    message = b""
    for i in range(1, credit + 20):
        data = wire.encode("RECORD", i, record(i))
        message += (bytes([0, len(data)]) if len(data) < 256 else
                    b"\x02" + len(data).to_bytes(8, "big")) + data
    peer.sock.sendall(message)  # at once: no credit can have come between
    answered = set()
    while len(answered) < credit + 19:
        name, _, body = peer.hear()
        if name == "NACK":
            answered.add(body["lease"])
        elif name == "ACK":
            answered |= leases_of(body)
        else:
            assert name in ("ERROR", "CREDIT")
    assert answered == set(range(1, credit + 20))


def test_heartbeats(logger):
    _, peer = logger
    session(peer)
    since = time.monotonic()
    for _ in range(3):
        assert peer.hear(ping=True)[0] == "PING"
        peer.say("PING")
    assert 1.5 < time.monotonic() - since
    kept("three of a second each", time.monotonic() - since, 5)
    since = time.monotonic()
    name = "PING"  # we say nothing until it gives up
    while name == "PING":
        try:
            name = peer.hear(1.5, ping=True)[0]
        except TimeoutError:
            break
    assert 4 < time.monotonic() - since
    kept("five of silence", time.monotonic() - since, 8)
    peer.say("PING")
    assert peer.hear()[0] == "RESET"
    session(peer)


def test_bye(logger):
    _, peer = logger
    session(peer)
    peer.say("BYE")
    peer.say("PING")
    assert peer.hear()[0] == "RESET"


# ---- a binding end that sends: the ingress ---------------------------------

@pytest.fixture
def ingress(stacks):
    stack = stacks([]).start("ingress")
    made = []

    def connect():
        made.append(zmtp.Peer(link(stack, "ingress")))
        return made[-1]

    yield stack, connect
    for peer in made:
        peer.close()


def push(stack, *tags):
    for tag in tags:
        answer = http("POST", f"http://127.0.0.1:{stack.ingress_port}"
                      "/v1/webhooks/push",
                      b'{"name":"shop/web","tag":"%s"}' % tag.encode(),
                      {"Authorization": "Bearer " + TOKEN,
                       "Content-Type": "application/json"})
        assert answer.status == 202, answer.text


def event(peer, seconds=60):
    name, lease, body = peer.hear(seconds)
    assert name == "EVENT"
    return lease, body["tag"]


def test_credit_bounds_what_is_sent(ingress):
    stack, connect = ingress
    peer = connect()
    peer.hello("matcher")
    push(stack, "a", "b", "c", "d", "e")
    assert peer.silent(0.5)  # no credit yet
    peer.say("CREDIT", {"total": 2})
    got = [event(peer), event(peer)]
    assert [tag for _, tag in got] == ["a", "b"]
    assert got[1][0] == got[0][0] + 1
    assert peer.silent(0.5)
    peer.say("ACK", {"from": got[0][0], "upto": got[1][0], "credit": 4})
    got += [event(peer), event(peer)]
    assert got[3][0] == got[0][0] + 3
    assert peer.silent(0.5)
    peer.say("CREDIT", {"total": 1})  # never shrinks, never grants twice
    assert peer.silent(0.5)
    peer.say("ACK", {"leases": [got[3][0], got[2][0]], "credit": 100})
    last = event(peer)
    assert last[1] == "e"
    peer.say("ACK", {"leases": [last[0]]})
    assert peer.silent(1)


def test_nack_comes_again_later(ingress):
    stack, connect = ingress
    peer = connect()
    peer.hello("matcher")
    peer.say("CREDIT", {"total": 10})
    push(stack, "a", "b")
    (first, _), (second, _) = event(peer), event(peer)
    since = time.monotonic()
    peer.say("NACK", {"lease": first, "delay_ms": 700, "reason": "no"})
    peer.say("ACK", {"leases": [second]})
    lease, tag = event(peer)
    assert tag == "a" and lease == second + 1
    assert 0.69 < time.monotonic() - since
    kept("it comes when it is due", time.monotonic() - since, 1.2)
    # the first lease has ended: an ACK of it is for nothing
    peer.say("ACK", {"leases": [first]})
    peer.say("NACK", {"lease": lease})
    assert event(peer)[1] == "a"


def test_a_lost_peer_gives_back(ingress):
    stack, connect = ingress
    one = connect()
    one.hello("matcher", "one")
    one.say("CREDIT", {"total": 10})
    push(stack, "a", "b", "c")
    leases = [event(one)[0] for _ in range(3)]
    one.say("ACK", {"leases": [leases[1]]})
    two = connect()
    two.hello("matcher", "two")
    two.say("CREDIT", {"total": 10})
    assert two.silent(0.5)  # they are still the first one's
    one.close()
    lease, tag = event(two)
    assert tag == "a"
    # They may be what it died of, so each goes alone.
    assert two.silent(0.5)
    two.say("ACK", {"leases": [lease]})
    assert event(two)[1] == "c"
    assert two.silent(0.5)


def test_a_silent_peer_gives_back(ingress):
    stack, connect = ingress
    one = connect()
    one.hello("matcher", "one")
    one.say("CREDIT", {"total": 10})
    push(stack, "a")
    event(one)
    two = connect()
    two.hello("matcher", "two")
    two.say("CREDIT", {"total": 10})
    since = time.monotonic()
    for _ in range(60):
        two.say("PING")
        try:
            lease, tag = event(two, 1)
            break
        except TimeoutError:
            continue
    assert tag == "a" and 3 < time.monotonic() - since
    kept("five of silence", time.monotonic() - since, 6)
    two.say("ACK", {"leases": [lease]})


def test_bye_gives_back_at_once(ingress):
    stack, connect = ingress
    took = []
    while not took or took[-1] > 0.5 and len(took) < 10:
        one, two = connect(), connect()
        one.hello("matcher", "one")
        one.say("CREDIT", {"total": 10})
        push(stack, "a")
        event(one)
        two.hello("matcher", "two")
        two.say("CREDIT", {"total": 10})
        since = time.monotonic()
        one.say("BYE")
        lease, tag = event(two)
        took.append(time.monotonic() - since)
        assert tag == "a"
        two.say("ACK", {"leases": [lease]})
        two.say("BYE")
    assert took[-1] < 0.5, took  # the machine may have had other work


def test_an_earlier_session_is_void(ingress):
    stack, connect = ingress
    peer = connect()
    peer.hello("matcher")
    peer.say("CREDIT", {"total": 10})
    push(stack, "a")
    old, _ = event(peer)
    peer.hello("matcher")  # with another number
    peer.say("ACK", {"leases": [old], "from": 1, "upto": old})
    assert peer.silent(0.3)  # its credit is void, too
    peer.say("CREDIT", {"total": 1})
    new, tag = event(peer)
    assert tag == "a" and new != old
    peer.say("ACK", {"leases": [new], "credit": 2})
    assert peer.silent(0.5)


def test_affinity_and_fairness(ingress):
    """Two with equal credit share about equally."""
    stack, connect = ingress
    peers = [connect(), connect()]
    for i, peer in enumerate(peers):
        peer.hello("matcher", f"m{i}")
        peer.say("CREDIT", {"total": 100})
    push(stack, *(f"t{i}" for i in range(20)))
    for peer in peers:
        assert len([event(peer) for _ in range(10)]) == 10
        assert peer.silent(0.2)


def test_another_role_is_refused(ingress):
    stack, connect = ingress
    peer = connect()
    peer.say("HELLO", {"session": 1, "role": "deployer", "instance": "x"})
    name, _, body = peer.hear()
    assert name == "ERROR" and "matcher" in body["text"]
    peer.say("CREDIT", {"total": 5})
    assert peer.hear()[0] == "RESET"
    push(stack, "a")
    assert peer.silent(0.5)


# ---- a connecting end that sends: the ingress to its loggers ---------------

@pytest.fixture
def rows(stacks):
    """We are the logger."""
    stack = stacks([])
    os.makedirs(stack.path("links"), mode=0o700, exist_ok=True)
    listener = zmtp.Listener(link(stack, "logger"))
    stack.start("ingress")
    yield stack, listener
    listener.close()


def reject(stack):
    """Something that makes a row."""
    http("POST", f"http://127.0.0.1:{stack.ingress_port}/v1/webhooks/push",
         b"{}", {"Authorization": "Bearer wrong"})


def answer_hello(peer, hello):
    peer.say("HELLO", {"session": hello["session"], "role": "logger",
                       "instance": "py"})


def next_record(peer):
    while True:
        name, lease, body = peer.hear()
        if name != "STATUS":
            assert name == "RECORD", name
            return lease, body


def test_hello_is_repeated_until_it_is_answered(rows):
    stack, listener = rows
    since = time.monotonic()
    peer = listener.accept()
    reject(stack)
    name, _, hello = peer.hear()
    assert name == "HELLO" and hello["role"] == "ingress"
    for _ in range(2):
        assert peer.hear() == ("HELLO", 0, hello)
    assert 1.6 < time.monotonic() - since
    kept("two more of a second each", time.monotonic() - since, 3)
    # neither credit nor another session's answer starts one
    peer.say("CREDIT", {"total": 10})
    answer_hello(peer, {"session": hello["session"] ^ 1})
    assert peer.hear() == ("HELLO", 0, hello)
    answer_hello(peer, hello)
    peer.say("CREDIT", {"total": 10})
    lease, body = next_record(peer)
    assert body["status"] == "rejected" and body["instance"] == "ingress"
    peer.say("ACK", {"leases": [lease], "credit": 11})
    peer.close()


def test_reset_starts_a_new_session(rows):
    stack, listener = rows
    peer = listener.accept()
    reject(stack)
    hello = peer.hear()[2]
    answer_hello(peer, hello)
    peer.say("CREDIT", {"total": 10})
    first, row = next_record(peer)
    peer.say("RESET")
    while True:
        name, _, again = peer.hear()
        if name == "HELLO":
            break
    assert again["session"] != hello["session"]
    answer_hello(peer, again)
    peer.say("CREDIT", {"total": 10})
    second, same = next_record(peer)
    assert same == row and second != first
    peer.say("ACK", {"leases": [second], "credit": 11})
    peer.close()


def test_a_new_connection_has_it_again(rows):
    stack, listener = rows
    peer = listener.accept()
    reject(stack)
    answer_hello(peer, peer.hear()[2])
    peer.say("CREDIT", {"total": 10})
    _, row = next_record(peer)
    since = time.monotonic()
    peer.close()
    peer = listener.accept()
    answer_hello(peer, peer.hear()[2])
    peer.say("CREDIT", {"total": 10})
    lease, same = next_record(peer)
    assert same == row
    kept("it is there again", time.monotonic() - since, 2)
    peer.say("ACK", {"leases": [lease]})
    peer.close()


def test_one_that_never_answers_is_connected_anew(rows):
    _, listener = rows
    peer = listener.accept()
    first = peer.hear()[2]["session"]
    since = time.monotonic()
    with pytest.raises(zmtp.Gone):
        while True:
            peer.hear()
    assert 4 < time.monotonic() - since
    kept("five without an answer", time.monotonic() - since, 7)
    assert listener.accept().hear()[2]["session"] != first
