"""The logger is down under load: nothing is refused, nothing is lost, and it
catches up. `make test-logger-away` is the long form: ten minutes."""
import http.client
import json
import os
import threading
import time

from peer.sink import Sink
from rig.stack import TOKEN, wait_for

SECONDS = float(os.environ.get("AWAY_SECONDS", "3"))
RATE = float(os.environ.get("AWAY_RATE", "60"))
SENDERS = 4


def send(stack, until, least, events, refused, took):
    """Pushes at a steady rate, and until there are enough; one of four fires
    the trigger."""
    c = http.client.HTTPConnection("127.0.0.1", stack.ingress_port, timeout=60)
    start, i = time.monotonic(), 0
    while time.monotonic() < until or len(events) < least:
        tag = "latest" if i % 4 == 0 else "other"
        begun = time.monotonic()
        c.request("POST", "/v1/webhooks/push", json.dumps(
            {"name": "shop/web", "tag": tag}),
            {"Authorization": "Bearer " + TOKEN})
        answer = c.getresponse()
        body = answer.read()
        took.append(time.monotonic() - begun)
        if answer.status == 202:
            events.append(json.loads(body)["id"])
        else:
            refused.append((answer.status, body))
            return
        i += 1
        time.sleep(max(0, start + i * SENDERS / RATE - time.monotonic()))


def test_logger_is_away_under_load(stacks):
    sink = Sink()
    stack = stacks([{"name": "notify", "repository": "shop/web",
                     "tags": ["latest"], "url": sink.url("/")}]).start()
    try:
        stack.wait_final(stack.push("shop/web", "latest"))
        stack.kill("logger")
        events, refused, took = [], [], []
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=send, args=(
            stack, until, SECONDS * RATE / 2, events, refused, took))
            for _ in range(SENDERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not refused, refused[:3]
        assert len(events) == len(set(events))

        began = time.monotonic()
        stack.start("logger")
        finals = {}

        def all_there():
            finals.clear()
            for row in stack.finals(trigger="notify"):
                finals.setdefault(row["event"], []).append(row["status"])
            return all(e in finals for e in events)

        wait_for("every event has its final row", all_there,
                 120 + len(events) / 100)
        print(f"{len(events)} events while the logger was away for "
              f"{SECONDS:.0f} s, none refused, the slowest answer after "
              f"{max(took) * 1000:.0f} ms; it caught up"
              f" in {time.monotonic() - began:.1f} s")
        for event in events:
            assert len(finals[event]) == 1, (event, finals[event])
        wait_for("the spool is empty",
                 lambda: "pullwire_spool_events{role=\"ingress\",instance="
                 "\"ingress\"} 0\n" in stack.get("/metrics").text)
    finally:
        sink.close()
