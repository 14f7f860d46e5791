"""A trigger's own URL: whoever posts the notification there has that
application redeployed, as a registry's console does that can do no more.
"""
import base64
import json
import urllib.parse

from rig import images
from rig.stack import http, wait_for


def notification(repository, tag, digest=""):
    """As the consoles post it, all fields and no other."""
    namespace, _, name = repository.partition("/")
    return json.dumps({
        "push_data": {"digest": digest, "pushed_at": "2016-11-29 12:25:46",
                      "tag": tag},
        "repository": {"date_created": "2016-10-28 21:31:42", "name": name,
                       "namespace": namespace, "region": "cn-hangzhou",
                       "repo_authentication_type": "NO_CERTIFIED",
                       "repo_full_name": repository,
                       "repo_origin_type": "NO_CERTIFIED",
                       "repo_type": "PUBLIC"}}).encode()


def test_a_notification_redeploys_that_application(engine, registry, stacks):
    apps = ("express", "other")
    engine.remove_all(*apps)
    images.put(engine, registry, "shop/express", "v1")
    old = {n: engine.run(n, f"{registry.host}/shop/express:v1") for n in apps}
    # The notification has no host: the trigger says which registry it is.
    stack = stacks(
        [{"name": n, "repository": f"{registry.host}/shop/express",
          "grace": "300ms", "deploy": {"container": n}} for n in apps],
        {"local": engine.sock},
        ingress={"url": "https://hooks.example.com/"}).start()
    url = stack.run("ingress", "url", "express").stdout.strip()
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    assert url.startswith("https://hooks.example.com/hook/trigger?"), url
    assert base64.b64decode(query["triggerUrl"]) == \
        b"local|express|redeploy|express|", query
    assert len(bytes.fromhex(query["secret"])) == 32

    def post(body, secret=query["secret"], method="POST"):
        text = urllib.parse.urlencode({**query, "secret": secret})
        return http(method, f"http://127.0.0.1:{stack.ingress_port}"
                    f"/hook/trigger?{text}", body,
                    {"Content-Type": "application/json"})

    digest = images.put(engine, registry, "shop/express", "v2", keep=False)
    assert post(notification("shop/express", "v2"), "0" * 64).status == 401
    assert post(notification("shop/express", "v2"), "").status == 401
    assert post(None, method="GET").status == 405
    answer = post(notification("shop/express", "v2", digest))
    assert answer.status == 202, answer.text
    event = answer.json()["id"]
    row = wait_for("its end", lambda: stack.finals(event=event))
    assert len(row) == 1 and row[0]["trigger"] == "express", row
    assert row[0]["status"] == "deployed", row
    assert row[0]["to_digest"] == digest
    now = engine.inspect("express")
    assert now["Id"] != old["express"] and now["State"]["Running"]
    assert now["Config"]["Image"] == f"{registry.host}/shop/express:v2"
    assert engine.inspect("other")["Id"] == old["other"], "the other is not"
    # Another repository's image is never put there.
    answer = post(notification("shop/evil", "v2"))
    ends = wait_for("its end", lambda: stack.finals(
        event=answer.json()["id"]))
    assert "deployed" not in {r["status"] for r in ends}, ends
    assert engine.inspect("express")["Id"] == now["Id"]
    engine.remove_all(*apps)
