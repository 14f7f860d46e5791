"""verify: registry. A push whose sender proves nothing about it is only a hint:
real registries are asked, one of them wants a login, before anything is done.
"""
import collections
import random
import time

import pytest

from peer.sink import Sink
from rig import images
from rig.drive import PLAIN
from rig.login import PrivateRegistry
from rig.stack import TOKEN, free_port, wait_for

NAME = "hint"


@pytest.fixture(scope="module")
def private(engine):
    """A registry with tokens that holds hint:v1 twice: old and new digest."""
    p = PrivateRegistry("token")
    ref = f"{p.host}/{NAME}:v1"
    p.digests = []
    for version in "one", "two":
        engine.build(ref, version, [PLAIN])
        p.digests.append(p.push(engine, ref))
    yield p
    p.close()


def hint(name, registry=None, **more):
    """A source that proves nothing."""
    s = {"name": name, "type": "generic", "auth": {"url_token": TOKEN}, **more}
    return {**s, "registry": registry} if registry else s


def say(stack, source, digest=None, tag="v1"):
    body = {"name": NAME, "tag": tag}
    if digest:
        body["digest"] = digest
    answer = stack.post(body, source, token=None, query="?token=" + TOKEN)
    assert answer.status == 202, answer.text
    return answer.json()["id"]


def check_stale(row, said, held):
    assert row["status"] == "stale", row
    assert said in row["reason"] and held in row["reason"]


def test_engine(stacks, engine, registry):
    """A forged push of an old digest is stale; a true one is deployed, and one
    without a digest is what the registry has."""
    engine.remove_all(NAME)
    ref = f"{registry.host}/{NAME}"
    old = images.put(engine, registry, NAME, "v1", "one", PLAIN)
    engine.tag(f"{ref}:v1", f"{ref}:v0")
    new = images.put(engine, registry, NAME, "v1", "two", PLAIN)
    engine.run(NAME, f"{ref}:v0")
    stack = stacks([{"name": "web", "repository": NAME, "grace": "100ms",
                     "deploy": {"container": NAME}}],
                   {"local": engine.sock},
                   [hint("told", registry.host), hint("untold"),
                    hint("trusted", registry.host, verify="none")])
    stack.start()
    started = engine.inspect(NAME)["Id"]
    check_stale(stack.wait_final(say(stack, "told", old)), old, new)
    row = stack.wait_final(say(stack, "untold", new))
    assert row["status"] == "refused", row
    assert "proves nothing" in row["reason"]
    assert engine.inspect(NAME)["Id"] == started
    row = stack.wait_final(say(stack, "told", new))
    assert row["status"] == "deployed", row
    assert row["to_digest"] == new
    row = stack.wait_final(say(stack, "trusted", old))
    assert row["status"] == "deployed", row
    row = stack.wait_final(say(stack, "told"))
    assert (row["status"], row["to_digest"]) == ("deployed", new), row
    # Not there yet: asked again, as a pull would be.
    later = f"v{time.time_ns()}"
    event = say(stack, "told", old, tag=later)
    row = wait_for("a first attempt", lambda: stack.rows(event=event))[0]
    assert (row["status"], row["final"]) == ("failed", False), row
    assert "could not be asked" in row["reason"] and row["next_attempt"]
    engine.tag(f"{ref}:v0", f"{ref}:{later}")
    engine.push(f"{ref}:{later}")
    row = stack.wait_final(event)
    assert (row["status"], row["to_digest"]) == ("deployed", old), row
    engine.remove_all(NAME)


def forge(rng, n, digests, callback):
    """A body of a sender that signs nothing, by someone who has its URL."""
    repository = rng.choice([
        "forged/web", "forged/other", "library/alpine", "forged/web:v1",
        "evil.example.com/forged/web", "../forged/web", "forged/web$(id)"])
    push = {"tag": rng.choice(["v1", "v2", "latest", "v1;id", "-v1"]),
            "pushed_at": 1790000000 + n, "pusher": "mallory",
            "digest": rng.choice(digests)}
    if n % 2:
        return "hub", {"push_data": push, "callback_url": callback,
                       "repository": {"repo_name": repository}}
    push["pushed_at"] = f"2026-11-29 12:{n // 60 % 60:02}:{n % 60:02}"
    space, _, name = repository.rpartition("/")
    return "acr", {"push_data": push, "callback_url": callback,
                   "repository": {"namespace": space, "name": name,
                                  "region": "r",
                                  "repo_full_name": repository}}


def test_a_thousand_forged_pushes(stacks, engine, registry):
    """None brings another image than the registry has under that tag, nor one
    of another repository; and nobody is called back."""
    sink, rng = Sink(), random.Random(1)
    engine.remove_all("forged")
    ref = f"{registry.host}/forged/web:v1"
    old = images.put(engine, registry, "forged/web", "v1", "one", PLAIN)
    new = images.put(engine, registry, "forged/web", "v1", "two", PLAIN)
    other = images.put(engine, registry, "forged/other", "v1", "x", PLAIN)
    image = engine.run("forged", ref) and engine.inspect("forged")["Image"]
    before = {i["Id"] for i in engine.call("GET", "/images/json")}
    free = {"rate": 1000000, "burst": 1000000}
    stack = stacks([{"name": "web", "repository": "forged/web",
                     "tags": ["v1"], "grace": "50ms",
                     "deploy": {"container": "forged"}}],
                   {"local": engine.sock},
                   [hint("hub", registry.host, **{"type": "dockerhub"}, **free),
                    hint("acr", registry.host, **{"type": "aliyun"}, **free)])
    stack.start()
    digests = [old, new, other, "sha256:" + "a" * 64, "latest", None]
    events = []
    for n in range(1000):
        source, body = forge(rng, n, digests, sink.url())
        answer = stack.post(body, source, token=None,
                            query="?token=" + TOKEN)
        assert answer.status in (200, 202, 400), (answer.text, body)
        if answer.status == 202:
            events.append(answer.json()["id"])
    assert len(events) > 200
    final = wait_for("a final row of each", lambda: (
        lambda rows: rows if set(events) <= {r["event"] for r in rows}
        else None)(stack.finals()), 300)
    assert {r["status"] for r in final} <= {
        "no_trigger", "untriggered", "stale", "unchanged", "superseded",
        "deployed", "rejected"}, collections.Counter(r["status"] for r in final)
    assert all(r["to_digest"] == new for r in final
               if r["status"] in ("unchanged", "deployed"))
    assert any(r["status"] == "stale" for r in final)
    assert engine.inspect("forged")["Image"] == image
    assert {i["Id"] for i in engine.call("GET", "/images/json")} == before
    assert sink.requests == []
    sink.close()
    engine.remove_all("forged")


def test_trigger_url(stacks, private):
    """The http lane asks by itself, with a token, and only whom it knows."""
    sink = Sink()
    dead = f"localhost:{free_port()}"
    stack = stacks([{"name": "tell", "repository": NAME, "url": sink.url()}],
                   sources=[hint("told", private.host), hint("untold"),
                            hint("dead", dead)])
    old, new = private.digests
    config = private.config("told", private.pair())
    stack.settings["deployer"]["docker_config"] = config
    stack.write()
    stack.start()
    check_stale(stack.wait_final(say(stack, "told", old)), old, new)
    row = stack.wait_final(say(stack, "untold", new))
    assert row["status"] == "refused", row
    event = say(stack, "dead", new)
    row = wait_for("a first attempt", lambda: stack.rows(event=event))[0]
    assert (row["status"], row["final"]) == ("failed", False), row
    assert dead in row["reason"] and "tried again" in row["reason"]
    assert sink.requests == []
    assert stack.wait_final(say(stack, "told", new))["status"] == "200"
    assert stack.wait_final(say(stack, "told"))["status"] == "200"
    assert len(sink.requests) == 2
    private.config("told", private.pair("wrong"))
    row = stack.wait_final(say(stack, "told", new, tag="v1"))
    assert row["status"] in ("failed", "duplicate"), row
    row = stack.wait_final(say(stack, "told", new, tag="v2"))
    assert row["status"] == "failed", row
    assert "does not take the login" in row["reason"]
    assert config in row["reason"] and len(sink.requests) == 2
    sink.close()
