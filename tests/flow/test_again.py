"""A sender sends its event again, under the same id: what failed of it is done
again, and nothing else.
"""
import sqlite3
import time

from peer.sink import Sink
from rig import images
from rig.stack import TOKEN, wait_for

SOURCE = [{"name": "registry", "type": "distribution",
           "auth": {"bearer": TOKEN}}]


def body(ident, tag, repository="shop/web", host="r.example.com"):
    return {"events": [{
        "id": ident, "action": "push", "timestamp": "2026-01-02T03:04:05Z",
        "target": {"mediaType":
                   "application/vnd.docker.distribution.manifest.v2+json",
                   "repository": repository, "tag": tag,
                   "url": f"http://{host}/v2/{repository}/manifests/{tag}"},
        "request": {"host": host}}]}


def send(stack, *args, **kwargs):
    answer = stack.post(body(*args, **kwargs), "registry")
    assert answer.status == 202, answer.text
    return answer.json()["id"]


def send_again(stack, event):
    """When it is on its way no more; while it is, that would be a repeat."""
    def done():
        with sqlite3.connect(stack.path("ingress/spool.db")) as spool:
            return spool.execute("select state from event where id = ?",
                                 (event,)).fetchone()[0] == "done"

    wait_for("the event is done", done)
    assert send(stack, "id-1", "v1") == event


def test_a_failed_notification_is_sent_again(stacks):
    good, bad = Sink(), Sink([404])
    stack = stacks(
        [{"name": "good", "repository": "shop/web", "url": good.url("/g")},
         {"name": "bad", "repository": "shop/web", "url": bad.url("/b")},
         {"name": "none", "repository": "shop/web", "tags": ["never"],
          "url": bad.url("/n")}],
        sources=SOURCE, deployer={"schedule": ["0s"]}).start()
    event = send(stack, "id-1", "v1")
    for n, status in enumerate(("404", "500", "204"), 1):
        if n > 1:
            bad.statuses = [int(status)]
            send_again(stack, event)
        row = wait_for(f"the row of {status}", lambda: stack.rows(
            event=event, trigger="bad", status=status))[0]
        assert row["attempt"] == n and row["final"] == (n == 1), row
    assert "sent again" in row["reason"], row
    # It has succeeded: from now on it is a duplicate, however often.
    for _ in range(3):
        send_again(stack, event)
        time.sleep(0.3)
    wait_for("its row", lambda: stack.rows(event=event, status="duplicate"))
    assert len(good.requests) == 1, "what succeeded is not done again"
    assert len(bad.requests) == 3
    assert len({r["headers"]["webhook-id"] for r in bad.requests}) == 1
    finals = [r["trigger"] for r in stack.finals(event=event)]
    assert sorted(finals) == ["bad", "good", "none"], finals
    good.close()
    bad.close()


def test_a_failed_redeploy_is_done_again(engine, registry, stacks):
    engine.remove_all("again")
    images.put(engine, registry, "shop/again", "v1")
    engine.run("again", f"{registry.host}/shop/again:v1")
    stack = stacks(
        [{"name": "again", "repository": "shop/again", "grace": "300ms",
          "deploy": {"container": "again"}}], {"local": engine.sock},
        SOURCE).start()
    images.put(engine, registry, "shop/again", "v2", keep=False,
               health=images.UNHEALTHY)
    event = send(stack, "id-1", "v2", "shop/again", registry.host)
    first = wait_for("it fails", lambda: stack.finals(event=event))[0]
    assert first["status"] == "rolled_back", first
    images.put(engine, registry, "shop/again", "v2", keep=False,
               changes=["ENV GOOD=1"])

    def deployed():
        send(stack, "id-1", "v2", "shop/again", registry.host)
        return stack.rows(event=event, status="deployed")

    row = wait_for("it is deployed", deployed)[0]
    assert row["attempt"] > first["attempt"] and not row["final"], row
    assert engine.inspect("again")["Config"]["Image"].endswith(":v2")
    engine.remove_all("again")
