"""A process at the end of the logger's link, played by the test: sends rows
and statuses, and answers orders as it is told."""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "conform"))
import wire  # noqa: E402,F401
import zmtp  # noqa: E402


class Puppet:
    def __init__(self, stack, role="deployer", instance="puppet", lanes=()):
        self.role, self.instance = role, instance
        self.peer = zmtp.Peer(stack.path("links/logger"))
        self.lock = threading.Lock()
        self.lease, self.acked = 0, 0
        self.queue = {"running": 0, "waiting": 0, "held": 0, "more": False,
                      "jobs": []}
        self.orders = []   # (what, args, who)
        self.answers = {}  # what -> (ok, text, code)
        self.metrics, self.reasons = {}, []
        self.open = True
        with self.lock:
            self.peer.hello(role, instance, lanes=list(lanes))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        said = 0
        while self.open:
            try:
                heard = self.peer.hear(0.05)
            except (TimeoutError, AssertionError):
                heard = None
            except (zmtp.Gone, OSError, ValueError):
                return
            if heard:
                self.hear(*heard)
            if time.monotonic() - said >= 0.5:
                said = time.monotonic()
                self.status()

    def hear(self, name, lease, body):
        if name == "ACK":
            self.acked += len(body.get("leases", []))
            if body.get("from"):
                self.acked += body["upto"] - body["from"] + 1
        if name == "ORDER":
            self.answer(body)

    def answer(self, order):
        what = order["what"]
        if what == "queue":
            answer = {"ok": True, "body": json.dumps(self.queue)}
        else:
            self.orders.append((what, order.get("args"), order.get("who")))
            ok, text, code = self.answers.get(
                what, (False, f"no order `{what}`", "unknown"))
            answer = {"ok": ok, "text": text}
            if not ok:
                answer["code"] = code
        self.say("ANSWER", {"id": order["id"], **answer})

    def status(self):
        self.say("STATUS", {"role": self.role, "instance": self.instance,
                            "time": int(time.time() * 1000),
                            "ready": not self.reasons,
                            "reasons": self.reasons,
                            "metrics": json.dumps(self.metrics)})

    def say(self, name, body, lease=0):
        with self.lock:
            self.peer.say(name, body, lease)

    def row(self, **fields):
        """One RECORD; fields as the message has them."""
        with self.lock:
            self.lease += 1
            self.peer.say("RECORD", fields, self.lease)

    def close(self):
        self.open = False
        self.thread.join()
        self.peer.close()
