"""What a trigger may wait for: a person, an age; or it is only tried."""
import time

from peer.sink import Sink
from rig.stack import wait_for


def test_dry_run_approve_and_min_age(stacks):
    sink = Sink()
    stack = stacks([
        {"name": "dry", "repository": "shop/dry", "url": sink.url("/dry"),
         "dry_run": True},
        {"name": "asks", "repository": "shop/asks", "url": sink.url("/asks"),
         "approve": True},
        {"name": "old", "repository": "shop/old", "url": sink.url("/old"),
         "min_age": "3s"}])
    stack.start()
    row = stack.wait_final(stack.push("shop/dry", "v1"))
    assert row["status"] == "dry_run", row
    assert "would post to" in row["reason"]

    asks = stack.push("shop/asks", "v1")
    row = wait_for("it waits", lambda: stack.rows(
        event=asks, status="waiting"))[0]
    assert f"queue approve {asks}/asks" in row["reason"]
    assert not row["final"]

    old = stack.push("shop/old", "v1")
    final = stack.wait_final(old)
    assert final["status"] == "200"
    assert final["duration_ms"]["total"] >= 3000, final
    row = stack.rows(event=old, status="waiting")[0]
    assert "must be 3 s old" in row["reason"]

    assert [r["path"] for r in sink.requests] == ["/old"]
    assert stack.run("deployer", "queue", "approve", "x").returncode == 2
    # A notice's job has a longer name: notify:NAME:TRIGGER.
    longest = "notify:" + "n" * 32 + ":" + "t" * 88
    for name, code in [(longest, 1), (longest + "t", 2)]:
        got = stack.run("deployer", "queue", "cancel", f"{asks}/{name}")
        assert got.returncode == code, got
        assert ("does not wait here" in got.stderr) == (code == 1), got
    assert stack.run("deployer", "queue", "approve",
                     f"{asks}/asks").returncode == 0
    assert stack.wait_final(asks)["status"] == "200"
    assert len(sink.requests) == 2
    sink.close()


def test_dry_run_takes_no_place(stacks, engine):
    """A push that is only looked at ends no redeploy that waits."""
    stack = stacks([
        {"name": "live", "repository": "shop/x", "approve": True,
         "deploy": {"container": "tried"}},
        {"name": "try", "repository": "shop/y", "dry_run": True,
         "deploy": {"container": "tried"}}],
        {"local": engine.sock}).start()
    live = stack.push("shop/x", "v2")
    wait_for("it waits", lambda: stack.rows(event=live, status="waiting"))
    dry = stack.push("shop/y", "v3")
    assert stack.wait_final(dry)["status"] == "dry_run"
    assert stack.finals(event=live) == []
    assert stack.run("deployer", "queue", "cancel",
                     f"{live}/live").returncode == 0
    assert "cancelled" in stack.wait_final(live)["reason"]


def test_approval_outlives_the_deployer(stacks):
    sink = Sink()
    stack = stacks([{"name": "asks", "repository": "shop/asks",
                     "url": sink.url("/asks"), "approve": True,
                     "min_age": "4s"}])
    stack.start()
    asks = stack.push("shop/asks", "v1")
    row = wait_for("it waits", lambda: stack.rows(
        event=asks, status="waiting"))[0]
    assert "must be 4 s old" in row["reason"]
    assert f"queue approve {asks}/asks" in row["reason"]
    assert stack.run("deployer", "queue", "approve",
                     f"{asks}/asks").returncode == 0
    wait_for("it is approved", lambda: f"{asks}/asks is approved"
             in stack.daemons["deployer"].log())
    stack.kill("deployer")
    stack.start("deployer")
    row = stack.wait_final(asks)
    assert row["status"] == "200" and row["duration_ms"]["total"] >= 4000, row
    sink.close()


def test_window(stacks):
    """Closed: it waits, and a row says until when. One open of several is
    enough. A time zone that is none is a fault with its line."""
    sink = Sink()
    day = time.strftime("%a", time.gmtime(time.time() + 3 * 86400))
    closed = {"name": "hook", "repository": "shop/web", "url": sink.url("/h"),
              "window": f"{day} 10:00-11:00 UTC"}
    stack = stacks([closed, {"name": "open", "repository": "shop/web",
                             "url": sink.url("/open"), "window": [
                                 f"{day} 10:00-11:00 UTC",
                                 "00:00-24:00 Europe/Berlin"]}])
    stack.start()
    event = stack.push("shop/web", "v1")
    assert stack.wait_final(event, "open")["status"] == "200"
    row = wait_for("it waits", lambda: stack.rows(
        event=event, trigger="hook", status="waiting"))[0]
    assert f"outside its window `{day} 10:00-11:00 UTC`: waits until " \
        in row["reason"], row
    assert "T10:00:00" in row["reason"] and row["next_attempt"], row
    assert not stack.finals(event=event, trigger="hook")
    closed["window"] = "00:00-24:00 Mars/Olympus"
    stack.write()
    bad = stack.run("matcher", "check", stack.config)
    assert bad.returncode == 2
    line = next(n for n, text in enumerate(open(stack.config), 1)
                if "Mars" in text)
    assert f"{stack.config}:{line}: window: `Mars/Olympus` is no time zone" \
        in bad.stderr, bad.stderr
    sink.close()


def test_newer_only_and_digest_changed(stacks):
    """Against what the trigger did last, also after a restart."""
    sink = Sink()
    stack = stacks([
        {"name": "newer", "repository": "shop/web", "url": sink.url("/n"),
         "newer_only": True},
        {"name": "groups", "repository": "shop/app", "url": sink.url("/g"),
         "expression": r"(?<year>\d+)\.(?<build>\d+)", "newer_only": True},
        {"name": "digest", "repository": "shop/dig", "url": sink.url("/d"),
         "digest_changed": True}])
    stack.start()

    def push(repository, tag, status, reason="", digest=None):
        row = stack.wait_final(stack.push(repository, tag, digest))
        assert row["status"] == status and reason in row["reason"], row

    push("shop/web", "v1.9.0", "200")
    push("shop/web", "v1.10.0", "200")
    push("shop/web", "v1.9.9", "untriggered",
         "version 1.9.9 of tag `v1.9.9` is below version 1.10.0 of tag "
         "`v1.10.0`, which was done last")
    push("shop/web", "latest", "untriggered", "is no version")
    push("shop/app", "2026.9", "200")
    push("shop/app", "2026.10", "200")
    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    push("shop/dig", "a", "200", digest=one)
    push("shop/dig", "b", "unchanged", "has the digest of tag `a`", one)
    stack.kill("deployer")
    stack.start("deployer")
    push("shop/app", "2026.9", "untriggered", "is below version 2026/10")
    push("shop/app", "2026.10", "untriggered", "is the same as")
    push("shop/app", "2027.0", "200")
    push("shop/dig", "c", "unchanged", "has the digest of tag", one)
    push("shop/dig", "c", "200", digest=two)
    push("shop/dig", "c", "200", digest=one)
    sink.close()
