"""Slow senders in their thousands, JSON bombs, and honest ones beside them.

`PULLWIRE_SLOW=5000` is the long form; without, a quick one. Each address of
the slow has as many connections as one may have, so it is the server that
must bear them all.
"""
import http.client
import json
import os
import resource
import socket
import threading
import time

from rig.stack import TOKEN

SLOW = int(os.environ.get("PULLWIRE_SLOW", "1000"))
SECONDS = 15 if SLOW > 1000 else 6
HONEST = 4  # senders, each 50 a second
LEAST = 10 * SECONDS  # that each sends, however long it takes
HEAD = (b"POST /v1/webhooks/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + TOKEN.encode() + b"\r\n")
BODY = HEAD + b"Content-Length: 100000\r\n\r\n"


class Drip(threading.Thread):
    """Keeps n connections open that send a byte a second."""

    def __init__(self, port, headers, bodies):
        super().__init__(daemon=True)
        self.port, self.stop, self.opened, self.cut = port, False, 0, 0
        self.kinds = [HEAD] * headers + [BODY] * bodies
        self.open = {}

    def dial(self, i):
        s = socket.socket()
        s.bind((f"127.1.{i // 45 // 200}.{i // 45 % 200 + 1}", 0))
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", self.port))
        self.open[i] = s
        self.opened += 1

    def run(self):
        started = set()
        while not self.stop:
            began = time.monotonic()
            for i, kind in enumerate(self.kinds):
                if i not in self.open:
                    self.dial(i)
                    started.discard(i)
                    continue
                try:
                    self.open[i].send(b"X" if i in started else kind)
                    started.add(i)
                except BlockingIOError:
                    pass
                except OSError:
                    self.open.pop(i).close()
                    self.cut += 1
            time.sleep(max(0, 1 - (time.monotonic() - began)))
        for s in self.open.values():
            s.close()


def bombs(port, stop):
    """A megabyte of brackets after the other, from one who may post."""
    body = b"[" * 2 ** 20
    while not stop.is_set():
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            conn.request("POST", "/v1/webhooks/push", body,
                         {"Authorization": "Bearer " + TOKEN})
            assert conn.getresponse().status in (400, 413)
        except OSError:
            pass
        conn.close()


def honest(port, k, until, times, failures):
    conn, n = None, 0
    while time.monotonic() < until or n < LEAST:
        began = time.monotonic()
        try:
            if conn is None:
                conn = http.client.HTTPConnection("127.0.0.1", port,
                                                  timeout=60)
            conn.request("POST", "/v1/webhooks/push",
                         json.dumps({"name": "a/b", "tag": f"v{k}-{n}"}),
                         {"Authorization": "Bearer " + TOKEN})
            answer = conn.getresponse()
            answer.read()
            if answer.status != 202:
                failures.append(answer.status)
            if n % 10 == 0:  # new connections have to get in, too
                conn.close()
                conn = None
        except OSError as e:
            failures.append(repr(e))
            conn = None
        n += 1
        times.append(time.monotonic() - began)
        time.sleep(max(0, 0.02 - (time.monotonic() - began)))


def test_slow_senders_stop_nobody(stacks):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stack = stacks([{"name": "web", "repository": "x/y",
                     "url": "http://127.0.0.1:1025/"}],
                   ingress={"max_body": "1MiB"}).start()
    drip = Drip(stack.ingress_port, SLOW, SLOW // 10)
    drip.start()
    stop = threading.Event()
    bomber = threading.Thread(target=bombs, args=(stack.ingress_port, stop))
    bomber.start()
    time.sleep(3)
    times, failures = [], []
    until = time.monotonic() + SECONDS
    senders = [threading.Thread(target=honest, args=(
        stack.ingress_port, k, until, times, failures))
        for k in range(HONEST)]
    for t in senders:
        t.start()
    for t in senders:
        t.join()
    drip.stop = True
    stop.set()
    bomber.join()
    drip.join()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    times.sort()
    with open(f"/proc/{stack.daemons['ingress'].process.pid}/status") as f:
        rss = [x.split()[1] for x in f if x.startswith("VmHWM")][0]
    print(f"{len(times)} honest, {len(failures)} failed, p50 "
          f"{times[len(times) // 2] * 1e3:.1f} ms, p99 "
          f"{times[len(times) * 99 // 100] * 1e3:.1f} ms, {drip.opened} slow "
          f"opened, {drip.cut} cut, rss {rss} KiB")
    assert len(failures) <= len(times) // 1000, failures[:5]
