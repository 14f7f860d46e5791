#!/usr/bin/python3
"""Sends pushes as a registry does: each body again until it is answered 2xx.

sender.py PORT FILE RATE SECONDS TOTAL SEED: EVENTS a body, RATE events a
second on average (what was missed is made up for), for SECONDS and until TOTAL
are acknowledged. FILE gets a line `SENDER-ID EVENT-ID REPOSITORY TAG` for each
event that was, and is synced to the disk: that is the history which the end
is compared with. The last line on standard output is the tally as JSON.
"""
import http.client
import json
import os
import random
import sys
import threading
import time

TOKEN = "rig-token-0123456789abcdef"
EVENTS = 20
LINES = 12  # connections
REPOSITORIES = 40


class Sender:
    def __init__(self, port, path, rate, seconds, total, seed):
        self.port, self.rate, self.total = port, rate, total
        self.begin = time.monotonic()
        self.end = self.begin + seconds
        self.history = open(path, "a", buffering=1 << 20)
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.made = self.acked = self.again = self.bodies = 0
        self.slow = []  # ms from the first byte to the 2xx, one in ten

    def body(self):
        """The next body, when it is due; None: all are sent."""
        while True:
            with self.lock:
                now = time.monotonic()
                if self.made >= self.total and now >= self.end:
                    return None
                due = self.rate * (now - self.begin)
                if self.made >= self.total:
                    due = 0
                if self.made + EVENTS <= due or due >= self.total:
                    first = self.made
                    self.made += EVENTS
                    pushes = [(f"s-{first + i}",
                               f"storm/app{self.random.randrange(REPOSITORIES)}",
                               f"v{first + i}") for i in range(EVENTS)]
                    return pushes
            time.sleep(0.01)

    def encode(self, pushes):
        return json.dumps({"events": [{
            "id": sender_id, "action": "push",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "target": {
                "mediaType": "application/vnd.docker.distribution"
                             ".manifest.v2+json",
                "digest": f"sha256:{int(tag[1:]):064x}",
                "repository": repository, "tag": tag}}
            for sender_id, repository, tag in pushes]}).encode()

    def acknowledge(self, pushes, ids, took):
        with self.lock:
            for (sender_id, repository, tag), event in zip(pushes, ids):
                self.history.write(
                    f"{sender_id} {event} {repository} {tag}\n")
            self.acked += len(pushes)
            self.bodies += 1
            if self.bodies % 10 == 0:
                self.slow.append(took * 1000)

    def line(self):
        conn = None
        while True:
            pushes = self.body()
            if pushes is None:
                return
            body = self.encode(pushes)
            while True:
                begin = time.monotonic()
                try:
                    if conn is None:
                        conn = http.client.HTTPConnection(
                            "127.0.0.1", self.port, timeout=60)
                    conn.request("POST", "/v1/webhooks/registry", body, {
                        "Authorization": "Bearer " + TOKEN,
                        "Content-Type": "application/json"})
                    answer = conn.getresponse()
                    text = answer.read()
                    if answer.status == 202:
                        break
                    assert answer.status == 503, (answer.status, text)
                except (OSError, http.client.HTTPException):
                    conn = None
                self.again += 1
                time.sleep(0.1)
            ids = json.loads(text)["ids"]
            assert len(ids) == len(pushes), text
            self.acknowledge(pushes, ids, time.monotonic() - begin)

    def run(self):
        lines = [threading.Thread(target=self.line) for _ in range(LINES)]
        for line in lines:
            line.start()
        while any(line.is_alive() for line in lines):
            time.sleep(0.1)
            self.sync()
        self.sync()
        took = time.monotonic() - self.begin
        slow = sorted(self.slow) or [0]
        print(json.dumps({
            "acked": self.acked, "seconds": round(took, 1),
            "sent_again": self.again,
            "ack_ms": {p: round(slow[int(len(slow) * p / 100)], 1)
                       for p in (50, 99)}}))

    def sync(self):
        with self.lock:
            self.history.flush()
        os.fdatasync(self.history.fileno())


if __name__ == "__main__":
    Sender(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]),
           float(sys.argv[4]), int(sys.argv[5]), sys.argv[6]).run()
