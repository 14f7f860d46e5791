"""One matcher and four on the same backlog, in the same run.

EVENTS pushes wait in ingress; then the matchers start, each with 1,000
triggers of which one names the repository, and the time until the logger has
every row is taken. The clock starts with the matchers' start. The logger
and the ingress are one process each, and how many processors there are is
printed: what four can gain is bounded by all three.
"""
import collections
import concurrent.futures
import http.client
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig.stack import TOKEN, Daemon, Stack, wait_for  # noqa: E402

EVENTS = int(os.environ.get("EVENTS", 4000))


def post(args):
    port, numbers = args
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for n in numbers:
        while True:
            c.request("POST", "/v1/webhooks/push", json.dumps(
                {"name": "shop/web", "tag": f"v{n}",
                 "digest": f"sha256:{n:064x}"}),
                {"Authorization": "Bearer " + TOKEN,
                 "Content-Type": "application/json"})
            answer = c.getresponse()
            answer.read()
            if answer.status == 202:
                break
            time.sleep(0.1)
    c.close()


def lines(path):
    with open(path, "rb") as f:
        return f.read().count(b"\n")


def run(matchers):
    triggers = [{"name": "web", "repository": "shop/web",
                 "expression": "release-v.*", "url": "http://127.0.0.1:8099/"}]
    triggers += [{"name": f"t{i}", "repository": f"team/app{i}",
                  "expression": "release-v.*",
                  "url": "http://127.0.0.1:8099/"} for i in range(999)]
    stack = Stack(triggers)
    try:
        stack.start("logger", "deployer", "ingress")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(post, [(stack.ingress_port,
                                  range(i, EVENTS, 8)) for i in range(8)]))
        begin = time.monotonic()
        for i in range(matchers):
            name = f"matcher-{i + 1}"
            stack.daemons[name] = Daemon(stack, "matcher", name, {})
        wait_for("all rows", lambda: lines(
            stack.daemons["logger"].out) >= EVENTS, 300)
        took = time.monotonic() - begin
        rows = stack.finals()
        assert len(rows) == EVENTS, len(rows)
        share = collections.Counter(r["instance"] for r in rows)
        print(f"{matchers} matcher{'s' if matchers > 1 else ' '}: "
              f"{EVENTS / took:6.0f} events a second; shares",
              " ".join(f"{100 * share[k] / EVENTS:.0f} %"
                       for k in sorted(share)), flush=True)
        return EVENTS / took
    finally:
        stack.close()


if __name__ == "__main__":
    print(f"{EVENTS} events waiting, {os.cpu_count()} processors")
    one = run(1)
    four = run(4)
    print(f"ratio {four / one:.2f}")
