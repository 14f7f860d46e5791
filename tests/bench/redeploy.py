#!/usr/bin/python3
"""What Pullwire adds to a redeploy: the time from the accepted push to the
finished one, without the gate's waiting, beside the same steps as engine calls
of a script, and as commands of the docker CLI. In turn, one after the other,
with an image that must be pulled each time; of each the median
of the quicker half counts, for what else the machine does slows any of them.
"""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from rig import docker  # noqa: E402
from rig.docker import rig  # noqa: E402
from rig.stack import Stack  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "12"))
PLAIN = "HEALTHCHECK NONE"


def image(engine, registry, name, tag):
    """Pushed, and not at the engine; its digest."""
    ref = f"{registry.host}/{name}:{tag}"
    engine.build(ref, tag, [PLAIN])
    digest = engine.push(ref)
    engine.forget_image(ref)
    return digest


def by_calls(engine, registry, name, tag, digest):
    """The same calls as the driver's, over one connection's worth of work."""
    repo = f"{registry.host}/{name}"
    began = time.monotonic()
    old = engine.inspect(name)
    engine.call("GET", f"/images/{old['Image']}/json")
    engine.stream("POST", "/images/create", fromImage=repo, tag=digest)
    new = engine.call("GET", f"/images/{repo}@{digest}/json")
    engine.call("POST", f"/images/{new['Id']}/tag", repo=repo, tag=tag)
    for net in old["NetworkSettings"]["Networks"]:
        engine.call("GET", f"/networks/{net}")
    made = engine.call("POST", "/containers/create", {
        "Image": f"{repo}:{tag}", "HostConfig": old["HostConfig"]},
        name=name + ".new")["Id"]
    engine.inspect(made)
    engine.call("POST", f"/containers/{name}/stop")
    engine.call("POST", f"/containers/{old['Id']}/update",
                {"RestartPolicy": {"Name": "no"}})
    engine.call("POST", f"/containers/{old['Id']}/rename", name=name + ".old")
    engine.call("POST", f"/containers/{made}/rename", name=name)
    engine.call("POST", f"/containers/{made}/start")
    assert engine.inspect(name)["State"]["Running"]
    engine.call("DELETE", f"/containers/{old['Id']}")
    return (time.monotonic() - began) * 1000


def by_cli(engine, registry, name, tag, digest):
    repo = f"{registry.host}/{name}"
    env = {**os.environ, "DOCKER_HOST": engine.host}

    def do(*args):
        subprocess.run(["docker", *args], env=env, check=True,
                       stdout=subprocess.DEVNULL)

    began = time.monotonic()
    do("inspect", name)
    do("pull", "-q", f"{repo}@{digest}")
    do("tag", f"{repo}@{digest}", f"{repo}:{tag}")
    do("create", "--name", name + ".new", "--restart", "always",
       f"{repo}:{tag}")
    do("stop", name)
    do("rename", name, name + ".old")
    do("rename", name + ".new", name)
    do("start", name)
    do("inspect", name)
    do("rm", name + ".old")
    return (time.monotonic() - began) * 1000


def main():
    engine = docker.Engine("engine-bench")
    registry = docker.Registry("registry-bench")
    names = ["ours", "calls", "cli"]
    engine.remove_all(*names)
    stack = Stack([{"name": "ours", "repository": "ours", "grace": "0s",
                    "deploy": {"container": "ours"}}],
                  {"local": engine.sock})
    stack.settings["sources"][0]["registry"] = registry.host
    stack.write()
    took, phases = {n: [] for n in names}, {}

    def by_us(name, tag, digest):
        row = stack.wait_final(stack.push(name, tag, digest))
        assert row["status"] == "deployed", row
        ms = row["duration_ms"]
        for phase in ms:
            phases.setdefault(phase, []).append(ms[phase])
        return ms["total"] - ms.get("gate", 0)

    ways = {"ours": by_us,
            "calls": lambda *a: by_calls(engine, registry, *a),
            "cli": lambda *a: by_cli(engine, registry, *a)}
    try:
        stack.start()
        for n in names:
            engine.build(f"{registry.host}/{n}:0", "0", [PLAIN])
            engine.run(n, f"{registry.host}/{n}:0", policy="always")
        for i in range(ROUNDS):
            tag = f"t{time.time_ns()}"
            digests = {n: image(engine, registry, n, tag) for n in names}
            # Each is first, second and last as often.
            for n in names[i % 3:] + names[:i % 3]:
                took[n].append(ways[n](n, tag, digests[n]))
    finally:
        stack.close()
        engine.remove_all(*names)
        rig("engine.sh", "down", "engine-bench")
        rig("registry.sh", "down", "registry-bench")
    half = {n: statistics.median(sorted(took[n])[:(ROUNDS + 1) // 2])
            for n in names}
    print("phases:", ", ".join(f"{k} {statistics.median(v):.0f}"
                               for k, v in phases.items()))
    for n in names:
        print(f"{n:6} quicker half {half[n]:6.0f} ms, median "
              f"{statistics.median(took[n]):6.0f}, least {min(took[n]):6.0f}, "
              f"most {max(took[n]):6.0f}")
    ratio = half["ours"] / half["calls"]
    print(f"pullwire / engine calls = {ratio:.2f} (at most 1.15); "
          f"pullwire / docker CLI = {half['ours'] / half['cli']:.2f}")
    return ratio > 1.15


sys.exit(main())
