"""A push to a real registry redeploys a real container."""
import urllib.request

import pytest

from rig import images
from rig.stack import TOKEN, free_port, wait_for

PHASES = ("pull", "stop", "start", "gate")


@pytest.fixture
def shop(engine, registry, stacks):
    """A running web container on release-v1, and the four daemons that the
    registry tells of every push."""
    engine.remove_all("web")
    images.put(engine, registry, "shop/web", "release-v1",
               changes=["EXPOSE 9000", "ENV FROM_IMAGE=one", "VOLUME /cache"])
    port = free_port()
    old = engine.run("web", f"{registry.host}/shop/web:release-v1",
                     ["GREETING=hello"], port, "web")
    engine.wait_healthy("web")
    others = {c["Id"] for c in engine.containers()} - {old}
    stack = stacks(
        [{"name": "web", "repository": "shop/web",
          "expression": "release-v.*", "deploy": {"container": "web"}}],
        {"local": engine.sock},
        [{"name": "registry", "type": "distribution",
          "auth": {"bearer": TOKEN}, "registry": registry.host}]).start()
    registry.notify(f"http://127.0.0.1:{stack.ingress_port}"
                    "/v1/webhooks/registry", TOKEN)
    stack.engine, stack.registry = engine, registry
    stack.old, stack.port, stack.others = old, port, others
    yield stack
    registry.silence()
    engine.remove_all("web")


def final(stack, tag, **filters):
    """The one final row of the newest push of this tag."""
    rows = wait_for(f"a final row for {tag}",
                    lambda: stack.finals(tag=tag, **filters))
    assert len(rows) == 1, rows
    return rows[0]


def left(stack):
    """The names of the containers that are there, other tests' apart."""
    return [c["Names"] for c in stack.engine.containers()
            if c["Id"] not in stack.others]


def page(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}",
                                timeout=60) as answer:
        return answer.read().decode()


def test_push_redeploys_and_keeps_what_the_user_set(shop):
    digest = images.put(shop.engine, shop.registry, "shop/web", "release-v2",
                        changes=["ENV FROM_IMAGE=two", "EXPOSE 9001"],
                        keep=False)
    row = final(shop, "release-v2", trigger="web")
    assert row["status"] == "deployed", row
    assert row["repository"] == "shop/web" and row["digest"] == digest
    assert row["to_digest"] == digest and row["from_digest"] != digest
    assert row["target"] == "container web"
    print("duration_ms", row["duration_ms"])
    assert all(row["duration_ms"][phase] >= 0 for phase in PHASES), row

    new = shop.engine.inspect("web")
    assert new["Id"] != shop.old and new["State"]["Status"] == "running"
    assert new["Config"]["Image"] == \
        f"{shop.registry.host}/shop/web:release-v2"
    assert shop.engine.inspect(shop.old) is None
    env = page(shop.port, "/env")
    assert "GREETING=hello\n" in env, "the user's variable is kept"
    assert "FROM_IMAGE=two\n" in env, "the new image's default applies"
    assert page(shop.port) == "release-v2\n", "the port is published"
    assert page(shop.port, "/data/starts") == "release-v1\nrelease-v2\n", \
        "the volume kept its data"
    assert "9000/tcp" not in new["Config"]["ExposedPorts"]
    assert left(shop) == [["/web"]], "nothing is left over"


def test_tag_that_does_not_match(shop):
    images.put(shop.engine, shop.registry, "shop/web", "v1.2-rc")
    row = final(shop, "v1.2-rc", trigger="web")
    assert row["status"] == "untriggered"
    assert row["reason"] == "tag `v1.2-rc` does not match `release-v.*`"
    assert shop.engine.inspect("web")["Id"] == shop.old


def test_repository_of_no_trigger(shop):
    images.put(shop.engine, shop.registry, "shop/other", "release-v2")
    row = final(shop, "release-v2", repository="shop/other")
    assert row["status"] == "no_trigger"
    assert "shop/other" in row["reason"]
    assert shop.engine.inspect("web")["Id"] == shop.old


def test_same_image_again_is_unchanged(shop):
    shop.engine.push(f"{shop.registry.host}/shop/web:release-v1")
    row = final(shop, "release-v1", trigger="web")
    assert row["status"] == "unchanged", row
    assert shop.engine.inspect("web")["Id"] == shop.old


def test_unhealthy_image_is_rolled_back(shop):
    images.put(shop.engine, shop.registry, "shop/web", "release-v3",
               health=images.UNHEALTHY, keep=False)
    row = final(shop, "release-v3", trigger="web")
    assert row["status"] == "rolled_back", row
    assert "unhealthy" in row["reason"], row
    now = shop.engine.inspect("web")
    assert now["Id"] == shop.old, "the old container itself runs again"
    assert now["State"]["Status"] == "running"
    assert page(shop.port) == "release-v1\n"
    assert left(shop) == [["/web"]]


def test_image_that_dies_at_once_is_rolled_back(shop):
    images.put(shop.engine, shop.registry, "shop/web", "release-v4",
               changes=['CMD ["/nope"]'])
    row = final(shop, "release-v4", trigger="web")
    assert row["status"] == "rolled_back", row
    now = shop.engine.inspect("web")
    assert now["Id"] == shop.old and now["State"]["Status"] == "running"


def test_pull_is_answered_200_and_logged_as_ignored(shop):
    ref = f"{shop.registry.host}/shop/web:release-v1"
    shop.engine.forget_image(ref)
    shop.engine.stream("POST", "/images/create",
                       fromImage=f"{shop.registry.host}/shop/web",
                       tag="release-v1")
    wait_for("an ignored row", lambda: [
        r for r in shop.rows(status="ignored") if "pull" in r["reason"]])


def test_unknown_digest_is_tried_again_and_touches_nothing(shop):
    """Registries tell of a push before they serve it."""
    event = shop_event(shop, "release-v9", "sha256:" + "ab" * 32)
    row = wait_for("a first attempt's row",
                   lambda: shop.rows(event=event, trigger="web"))[0]
    assert not row["final"] and row["next_attempt"], row
    assert row["attempt"] == 1 and "not found" in row["reason"], row
    assert shop.engine.inspect("web")["Id"] == shop.old


def shop_event(stack, tag, digest):
    answer = stack.post({"events": [{
        "id": "e-" + tag, "action": "push",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "target": {
            "mediaType":
                "application/vnd.docker.distribution.manifest.v2+json",
            "digest": digest, "repository": "shop/web", "tag": tag,
            "url": f"http://r/v2/shop/web/manifests/{digest}"},
        "request": {"host": stack.registry.host}}]}, "registry")
    assert answer.status == 202, answer.text
    return answer.json()["id"]
