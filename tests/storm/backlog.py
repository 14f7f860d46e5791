#!/usr/bin/python3
"""A long backlog: how much memory, how soon is the first event out?

backlog.py [EVENTS]: the spool is filled by ingress's own code, in memory;
then the four daemons are started on it. Limits: 10 seconds from the start of
ingress to the first row, 64 MiB of memory for each daemon while it drains.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from rig.stack import BUILD, DAEMONS, Daemon, Stack, wait_for  # noqa: E402
from soak import taken  # noqa: E402

FIRST_S = 10
MEMORY_KIB = 64 << 10
WATCH_S = 20


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="backlog-", dir=shm)
    stack = Stack([{"name": "tell", "repository": "shop/*",
                    "expression": "v.*7", "url": "http://127.0.0.1:1025/"}])
    try:
        subprocess.run([os.path.join(BUILD, "tests/crash/stores-spool"),
                        "fill", folder, str(events)], check=True)
        size = os.path.getsize(os.path.join(folder, "spool.db"))
        stack.settings["ingress"]["state"] = folder
        stack.write()
        stack.start("logger", "deployer", "matcher")
        begin = time.monotonic()
        stack.daemons["ingress"] = Daemon(stack, "ingress", "ingress", {})
        wait_for("the first row", lambda: os.path.getsize(
            stack.daemons["logger"].out), 60)
        first = time.monotonic() - begin
        most = dict.fromkeys(DAEMONS, 0)
        for _ in range(WATCH_S * 5):
            for name in DAEMONS:
                most[name] = max(most[name], taken(
                    stack.daemons[name].process.pid)[0])
            time.sleep(0.2)
        rows = subprocess.run(
            ["wc", "-l", stack.daemons["logger"].out], text=True,
            capture_output=True).stdout.split()[0]
        print(json.dumps({
            "waiting": events, "spool_MiB": size >> 20,
            "first_row_s": round(first, 2), "rows_in_20_s": int(rows),
            "most_memory_KiB": most}, indent=1))
        assert first < FIRST_S, first
        assert max(most.values()) < MEMORY_KIB, most
    finally:
        stack.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
