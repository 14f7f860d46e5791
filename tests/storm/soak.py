#!/usr/bin/python3
"""Hours of quiet work: memory and descriptors must stay flat.

soak.py [MINUTES [RATE]]: sender.py posts RATE events a second to one of each
process, of which a fifth is notified twice. Every ten seconds the resident
memory and the open descriptors of each are noted. A line is fitted to each
after a fifth of the time: what it grows by over the rest, as a share of its
mean, must stay below 5 %. At the end the access log is compared with what
was acknowledged. The figures are printed as JSON.
"""
import json
import os
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from rig.stack import DAEMONS, Stack, wait_for  # noqa: E402
from storm import expected, triggers  # noqa: E402

EVERY = 10
LIMIT = 5.0  # per cent


def resident(pid):
    """Its own memory, KiB: pages of files come and go with the machine's."""
    with open(f"/proc/{pid}/status") as f:
        return int(next(x for x in f if x.startswith("RssAnon")).split()[1])


def growth(values):
    """What a line through them rises by from end to end, in per cent of
    their mean."""
    n, mean = len(values), sum(values) / len(values)
    middle = (n - 1) / 2
    slope = sum((i - middle) * (v - mean) for i, v in enumerate(values)) / \
        sum((i - middle) ** 2 for i in range(n))
    return 100 * slope * (n - 1) / mean


def watch(stack, sender, say):
    samples = {name: [] for name in DAEMONS}
    begin = time.monotonic()
    while sender.poll() is None:
        for name in DAEMONS:
            daemon = stack.daemons[name]
            assert daemon.alive(), f"{name} ended"
            pid = daemon.process.pid
            samples[name].append((resident(pid),
                                  len(os.listdir(f"/proc/{pid}/fd"))))
        if len(samples["ingress"]) % 30 == 1:
            say(f"{time.monotonic() - begin:5.0f} s: " + ", ".join(
                f"{n} {s[-1][0]} KiB {s[-1][1]} files"
                for n, s in samples.items()))
        time.sleep(EVERY)
    return samples


def check_rows(stack, history):
    with open(history) as f:
        acked = [line.split() for line in f]
    want = {(event, trigger): status for _, event, repository, _ in acked
            for trigger, status in expected(repository).items()}
    log = sqlite3.connect(f"file:{stack.path('logger/log.db')}?mode=ro",
                          uri=True)
    mine = " from record where final and \"trigger\" is not null"
    wait_for("every final row", lambda: log.execute(
        "select count(*)" + mine).fetchone()[0] >= len(want), 60)
    got = {(event, trigger): status for event, trigger, status in log.execute(
        "select event, \"trigger\", status" + mine)}
    assert got == want, len(want) - len(got)
    return len(want)


def main():
    given = [float(a) for a in sys.argv[1:]]
    minutes, rate = given + [60, 100][len(given):]
    stack = Stack([])
    sink = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "sink.py"), "/dev/null"],
        stdout=subprocess.PIPE, text=True)
    try:
        stack.settings["triggers"] = [
            t for t in triggers(int(sink.stdout.readline())) if "url" in t]
        stack.write()
        stack.start()
        sender = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "sender.py"),
             str(stack.ingress_port), stack.path("history"), str(rate),
             str(minutes * 60), str(int(minutes * 60 * rate)), "soak"],
            stdout=subprocess.PIPE, text=True)
        samples = watch(stack, sender, lambda x: print(x, flush=True))
        told = json.loads(sender.stdout.read())
        for name, each in samples.items():
            rest = each[len(each) // 5:]
            told[name] = {
                "KiB": [rest[0][0], rest[-1][0]],
                "files": [rest[0][1], rest[-1][1]],
                "growth_percent": [round(growth([s[k] for s in rest]), 2)
                                   for k in (0, 1)]}
        told["final_rows"] = check_rows(stack, stack.path("history"))
        told["lost"] = 0
        print(json.dumps(told, indent=1))
        grown = [n for n in samples if max(told[n]["growth_percent"]) > LIMIT]
        assert not grown, grown
    finally:
        sink.kill()
        stack.close()


if __name__ == "__main__":
    main()
