"""Redeploys coalesce to the newest; each push still ends in one row."""
import os

from rig import images
from rig.stack import wait_for

# Not healthy before the test says so, through the volume.
HEALTH = ('HEALTHCHECK --interval=100ms --timeout=10s --retries=10000 '
          'CMD ["/bin/test","-e","/data/go"]')


def test_five_pushes_while_one_deploys(engine, registry, stacks):
    engine.remove_all("worker")
    images.put(engine, registry, "shop/worker", "v0")
    engine.run("worker", f"{registry.host}/shop/worker:v0", volume="worker")
    digests = [images.put(engine, registry, "shop/worker", f"v{i}",
                          health=HEALTH) for i in range(1, 7)]
    stack = stacks(
        [{"name": "worker", "repository": "shop/worker",
          "deploy": {"container": "worker"}}], {"local": engine.sock},
        [{"name": "push", "type": "generic", "registry": registry.host,
          "auth": {"bearer": "t" * 20}}]).start()

    def push(i):
        answer = stack.post({"name": "shop/worker", "tag": f"v{i}",
                             "digest": digests[i - 1]}, token="t" * 20)
        assert answer.status == 202
        return answer.json()["id"]

    events = [push(1)]
    wait_for("the first deploy has begun",
             lambda: len(engine.containers()) > 1)
    events += [push(i) for i in range(2, 7)]
    wait_for("four are overtaken",
             lambda: len(stack.finals(status="superseded")) == 4)
    volume = engine.call("GET", "/volumes/worker")["Mountpoint"]
    with open(os.path.join(volume, "go"), "x"):
        pass

    rows = wait_for("six final rows", lambda: len(stack.finals()) >= 6
                    and stack.finals())
    got = {r["tag"]: r["status"] for r in rows}
    assert len(rows) == 6, rows
    assert got == {"v1": "deployed", "v6": "deployed", "v2": "superseded",
                   "v3": "superseded", "v4": "superseded",
                   "v5": "superseded"}
    now = engine.inspect("worker")
    assert now["Config"]["Image"] == f"{registry.host}/shop/worker:v6"
    assert all("v" in r["reason"] for r in rows
               if r["status"] == "superseded"), "says what overtook it"
    engine.remove_all("worker")
