"""The http lane: notifications to trigger URLs."""
import json

import pytest

from peer.sink import Sink
from rig.stack import wait_for

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def start(stacks, url, **deployer):
    return stacks([{"name": "notify", "repository": "shop/web",
                    "tags": ["latest"], "url": url}],
                  deployer=deployer).start()


def test_notification_is_delivered(stacks, sink):
    stack = start(stacks, sink.url("/hook?secret=s3cr3t-value"))
    row = stack.wait_final(stack.push("shop/web", "latest", DIGEST))
    assert row["status"] == "200" and row["trigger"] == "notify", row
    assert row["attempt"] == 1
    assert "s3cr3t-value" not in json.dumps(row), "secrets are not in rows"
    asked, = sink.requests
    assert asked["method"] == "POST"
    assert asked["path"] == "/hook?secret=s3cr3t-value"
    assert asked["headers"]["Content-Type"].startswith("application/json")
    body = json.loads(asked["body"])
    assert set(body) == {"push_data", "repository"}
    assert set(body["push_data"]) == {"digest", "pushed_at", "tag"}
    assert set(body["repository"]) == {
        "date_created", "name", "namespace", "region",
        "repo_authentication_type", "repo_full_name", "repo_origin_type",
        "repo_type"}
    assert body["push_data"]["tag"] == "latest"
    assert body["push_data"]["digest"] == DIGEST
    assert body["repository"]["repo_full_name"] == "shop/web"
    assert body["repository"]["namespace"] == "shop"
    assert body["repository"]["name"] == "web"
    assert body["repository"]["repo_authentication_type"] == "NO_CERTIFIED"
    assert body["repository"]["repo_type"] == "PUBLIC"


def test_tags_are_exact(stacks, sink):
    stack = start(stacks, sink.url())
    row = stack.wait_final(stack.push("shop/web", "latest2"))
    assert row["status"] == "untriggered", row
    assert "`latest2`" in row["reason"] and "latest" in row["reason"]
    assert not sink.requests


def test_failure_is_tried_again(stacks, sink):
    sink.statuses = [500, 200]
    stack = start(stacks, sink.url(), schedule=["300ms", "1s", "1s"])
    event = stack.push("shop/web", "latest", DIGEST)
    row = stack.wait_final(event)
    assert row["status"] == "200" and row["attempt"] == 2, row
    first, = [r for r in stack.rows(event=event) if not r["final"]]
    assert first["status"] == "500" and first["attempt"] == 1
    assert first["next_attempt"], first
    took = first["duration_ms"]  # it waits from the arrival, less a fifth
    assert took["arrival"] + took["wait"] >= 235, first
    assert len(sink.requests) == 2
    assert sink.requests[0]["body"] == sink.requests[1]["body"]


def test_every_push_is_delivered(stacks, sink):
    """HTTP triggers never coalesce."""
    sink.delay = 0.2
    stack = start(stacks, sink.url())
    events = [stack.push("shop/web", "latest", "sha256:" + f"{i:064x}")
              for i in range(8)]
    for event in events:
        assert stack.wait_final(event)["status"] == "200"
    assert len(sink.requests) == 8


def test_redirect_is_not_followed(stacks, sink):
    sink.statuses = [302]
    stack = start(stacks, sink.url(), schedule=["0s"])
    row = stack.wait_final(stack.push("shop/web", "latest"))
    assert row["status"] == "302", row
    assert [r["path"] for r in sink.requests] == ["/hook"]


def test_slow_url_does_not_hold_another(stacks, sink):
    slow = Sink(delay=3600)
    stack = stacks([
        {"name": "slow", "repository": "**", "url": slow.url()},
        {"name": "quick", "repository": "**", "url": sink.url()}]).start()
    for i in range(5):
        stack.push("shop/web", f"v{i}")
    rows = wait_for("five quick rows",
                    lambda: len(stack.finals(trigger="quick")) == 5
                    and stack.finals(trigger="quick"))
    assert {r["status"] for r in rows} == {"200"}
    assert len(slow.requests) == 1, "its first is still under way"
    slow.close()


@pytest.mark.parametrize("url,word", [
    ("https://cs.example.com:8443/hook", "443"),
    ("http://cs.example.com:1024/hook", "1024"),
    ("http://cs.example.com:22/hook", "22"),
    ("ftp://cs.example.com/hook", "http"),
    ("http://user:pw@cs.example.com/hook", "user"),
])
def test_urls_refused_at_load(stacks, url, word):
    stack = stacks([{"name": "notify", "repository": "shop/web",
                     "url": url}])
    done = stack.run("deployer", "-n")
    faults = [x for x in done.stderr.splitlines()
              if x.startswith(stack.config + ":")]
    assert done.returncode == 2 and len(faults) == 1, done
    assert word in faults[0], faults
