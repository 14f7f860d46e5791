"""What is away for a while loses nothing: engine, logger, disk, matchers."""
import http.client
import json
import os
import sqlite3
import subprocess
import threading
import time

from peer.sink import Sink
from rig import images
from rig.stack import TOKEN, wait_for, within


def test_engine_that_is_not_there_yet(engine, registry, stacks):
    engine.remove_all("late")
    images.put(engine, registry, "shop/late", "v1")
    digest = images.put(engine, registry, "shop/late", "v2")
    engine.run("late", f"{registry.host}/shop/late:v1")
    stack = stacks([{"name": "late", "repository": "shop/late",
                     "deploy": {"container": "late"}}],
                   {"local": "/nonexistent"},
                   [{"name": "push", "type": "generic",
                     "auth": {"bearer": TOKEN}, "registry": registry.host}])
    sock = stack.path("late.sock")
    stack.settings["engines"][0]["docker"] = "unix://" + sock
    stack.write()
    stack.start()
    event = stack.push("shop/late", "v2", digest)
    row = wait_for("a waiting row", lambda: stack.rows(
        event=event, status="waiting"))[0]
    assert not row["final"] and sock in row["reason"], row
    answer = wait_for("/readyz tells", lambda: (
        lambda a: a if a.status == 503 and sock in a.text else None)(
            stack.get("/readyz")))
    assert "local" in answer.text
    os.symlink(engine.sock, sock)
    assert stack.wait_final(event)["status"] == "deployed"
    assert engine.inspect("late")["Config"]["Image"].endswith(":v2")
    wait_for("/readyz is well again",
             lambda: stack.get("/readyz").status == 200)
    engine.remove_all("late")


def test_logger_that_is_down(stacks):
    sink = Sink()
    stack = stacks([
        {"name": "notify", "repository": "shop/web", "tags": ["latest"],
         "url": sink.url()},
        {"name": "never", "repository": "shop/web", "tags": ["other"],
         "url": sink.url()}])
    stack.start("deployer", "matcher", "ingress")
    events = [stack.push("shop/web", "latest", f"sha256:{i:064x}")
              for i in range(20)]
    wait_for("deliveries without a logger",
             lambda: len(sink.requests) == 20)
    stack.start("logger")
    for event in events:
        assert stack.wait_final(event, "notify")["status"] == "200"
        assert stack.wait_final(event, "never")["status"] == "untriggered"
    stack.kill("logger")
    late = [stack.push("shop/web", "latest", f"sha256:{i:064x}")
            for i in range(20, 30)]
    wait_for("more deliveries", lambda: len(sink.requests) == 30)
    stack.start("logger")
    for event in late:
        assert stack.wait_final(event, "notify")["status"] == "200"
        assert stack.wait_final(event, "never")["status"] == "untriggered"
    assert len(stack.finals()) == 60
    assert len(sink.requests) == 30, "nothing was delivered twice"
    sink.close()


def test_disk_that_is_full(stacks):
    stack = stacks([{"name": "web", "repository": "shop/web",
                     "tags": ["never"], "url": "http://127.0.0.1:1025/"}])
    disk = stack.path("ingress")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700",
                    "tmpfs", disk], check=True)
    try:
        stack.start()
        first = stack.push("shop/web", "v1")
        stack.wait_final(first)
        fill = os.path.join(disk, "fill")
        with open(fill, "wb", 0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        refused = taken = 0
        ids = []
        for i in range(200):
            answer = stack.post({"name": "shop/web", "tag": f"full-{i}"})
            if answer.status == 503:
                refused += 1
                assert int(answer.headers["Retry-After"]) >= 1
                break
            assert answer.status == 202, answer.text
            ids.append(answer.json()["id"])
        assert refused, "a full disk was never noticed"
        answer = http_ready(stack)
        assert answer.status == 503, answer.text
        os.unlink(fill)
        event = within("room is noticed", lambda: (
            lambda a: a.json()["id"] if a.status == 202 else None)(
                stack.post({"name": "shop/web", "tag": "after"})), 5)
        stack.kill("ingress")
        stack.start("ingress")
        for each in [*ids, event]:
            assert stack.wait_final(each)["status"] == "untriggered"
    finally:
        stack.daemons["ingress"].kill()
        subprocess.run(["umount", "-l", disk], check=True)


def http_ready(stack):
    return stack.get("/readyz", stack.ingress_port)


def test_matchers_join_while_events_flow(stacks):
    """2,000 events and more; three matchers one after another; none lost,
    none twice, all take part."""
    sink = Sink()
    stack = stacks([
        {"name": "notify", "repository": "shop/*", "expression": "v.*0",
         "url": sink.url()},
        {"name": "never", "repository": "shop/web", "tags": ["x"],
         "url": sink.url()}]).start()
    ids, joined = [], threading.Event()

    def post(part):
        """A fourth of 2,000, and until the last matcher has joined."""
        conn = http.client.HTTPConnection("127.0.0.1", stack.ingress_port)
        i = part
        while i < 2000 or not joined.is_set():
            conn.request("POST", "/v1/webhooks/push", json.dumps({
                "name": "shop/web", "tag": f"v{i}"}), {
                    "Authorization": "Bearer " + TOKEN,
                    "Content-Type": "application/json"})
            answer = conn.getresponse()
            text = answer.read()
            assert answer.status == 202, text
            ids.append(json.loads(text)["id"])
            i += 4
            time.sleep(0.008)
        conn.close()

    threads = [threading.Thread(target=post, args=(p,)) for p in range(4)]
    begin = time.monotonic()
    for t in threads:
        t.start()
    try:
        for n, name in enumerate(("matcher-two", "matcher-three"), 1):
            wait_for("events flow", lambda: len(ids) >= 600 * n)
            stack.start(name)
        wait_for("all three decide", lambda: len(deciders(stack)) == 3)
    finally:
        joined.set()
        for t in threads:
            t.join()
    assert len(ids) == len(set(ids)) >= 2000
    wait_for("all rows", lambda: count(stack) >= 2 * len(ids), 300)
    rows = stack.finals()
    print(f"{len(ids)} events in {time.monotonic() - begin:.1f} s")
    seen = {(r["event"], r["trigger"]) for r in rows}
    assert seen == {(e, t) for e in ids for t in ("notify", "never")}
    assert len(rows) == 2 * len(ids), "no extra final row"
    told = {r["event"] for r in rows if r["status"] == "200"}
    assert len(sink.requests) == len(told) >= 200
    sink.close()


def deciders(stack):
    with sqlite3.connect(f"file:{stack.path('logger/log.db')}?mode=ro",
                         uri=True) as log:
        return log.execute("select distinct instance from record where "
                           "status = 'untriggered'").fetchall()


def count(stack):
    return len(stack.finals())
