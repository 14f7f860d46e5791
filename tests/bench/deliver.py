#!/usr/bin/python3
"""Deliveries a second, as a ratio to plain load generators in the same run.

100 triggers post to nginx on the loopback. Pushes wait in ingress until the
matcher starts: what counts is the time from the first delivery to the last,
each with its job, its attempt and its row committed to disk on the way. Beside
it, in five interleaved rounds, a body of that size is posted by generators
that keep nothing, 64 at once and a connection each, as ours: `curl --parallel`,
and `wrk`, which does not even read its answers. The best round counts.
"""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig.stack import Stack, free_port  # noqa: E402

TRIGGERS, PUSHES = 100, int(os.environ.get("PUSHES", "60"))
BODY = json.dumps({"push_data": {"digest": "", "pushed_at": "x" * 19,
                                 "tag": "v1"}, "repository": {"x": "y" * 250}})
CONF = """
worker_processes 1; pid {d}/pid; error_log {d}/err; daemon off;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {d}; proxy_temp_path {d};
  fastcgi_temp_path {d}; uwsgi_temp_path {d}; scgi_temp_path {d};
  server {{ listen 127.0.0.1:{p} backlog=1024; location / {{ return 200 ok; }} }}
}}
"""


def pullwire(port):
    stack = Stack([{"name": f"t{i}", "repository": "shop/web",
                    "url": f"http://127.0.0.1:{port}/{i}"}
                   for i in range(TRIGGERS)], log_level="warn")
    try:
        stack.start("logger", "deployer", "ingress")
        for i in range(PUSHES):
            stack.push("shop/web", f"v{i}")
        stack.start("matcher")
        log = sqlite3.connect(f"file:{stack.path('logger/log.db')}?mode=ro",
                              uri=True)
        n = 0
        while n < TRIGGERS * PUSHES:
            time.sleep(0.2)
            n, first, last = log.execute(
                "SELECT count(*), min(time), max(time) FROM record "
                "WHERE status = '200'").fetchone()
        return n * 1000 / (last - first)
    finally:
        stack.close()


def wrk(port, folder):
    script = os.path.join(folder, "post.lua")
    with open(script, "w") as f:
        f.write('wrk.method = "POST"\nwrk.body = [[' + BODY + ']]\n'
                'wrk.headers["Connection"] = "close"\n')
    got = subprocess.run(
        ["wrk", "-t1", "-c64", "-d3s", "-s", script,
         f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", got.stdout)[1])


def curl(port, folder):
    n = TRIGGERS * PUSHES
    config, body = os.path.join(folder, "curl"), os.path.join(folder, "body")
    with open(body, "w") as f:
        f.write(BODY)
    with open(config, "w") as f:
        f.write("\nnext\n".join(
            f'url = "http://127.0.0.1:{port}/{i}"\ndata = "@{body}"\n'
            'header = "Connection: close"\noutput = "/dev/null"\nsilent'
            for i in range(n)))
    start = time.monotonic()
    subprocess.run(["curl", "--parallel", "--parallel-max", "64",
                    "--parallel-immediate", "-s", "-K", config], check=True,
                   stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return n / (time.monotonic() - start)


def main():
    folder = tempfile.mkdtemp(prefix="pw-bench-")
    port = free_port()
    with open(os.path.join(folder, "nginx.conf"), "w") as f:
        f.write(CONF.format(d=folder, p=port))
    nginx = subprocess.Popen(["nginx", "-p", folder, "-c",
                              os.path.join(folder, "nginx.conf")],
                             stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    best = {}
    try:
        for _ in range(5):
            for name, rate in (("curl", lambda: curl(port, folder)),
                               ("wrk", lambda: wrk(port, folder)),
                               ("pullwire", lambda: pullwire(port))):
                best[name] = max(best.get(name, 0), rate())
    finally:
        nginx.terminate()
        nginx.wait()
        shutil.rmtree(folder)
    for name, rate in best.items():
        print(f"{name:10} {rate:8.0f} a second   ratio "
              f"{best['pullwire'] / rate:.2f}")


if __name__ == "__main__":
    main()
