"""What a trigger may wait for: a person, an age; or it is only tried."""
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
    assert stack.run("deployer", "queue", "approve",
                     f"{asks}/asks").returncode == 0
    assert stack.wait_final(asks)["status"] == "200"
    assert len(sink.requests) == 2
    sink.close()
