"""Hooks: what their exit codes mean, and that they never harm a container."""
import pytest

from rig.drive import (check_only, drive, drive_program,  # noqa: F401
                       put, ref)


def sh(text):
    return ["/bin/sh", "-c", text]


# The command, the state before, how it ends and what the row says.
ROWS = {
    "go": (sh("echo x >/data/ran"), "running", "deployed", ""),
    "not now": (sh("echo busy; exit 75"), "running", "again",
                "says not now (exit code 75): busy"),
    "no": (sh("echo never >&2; exit 3"), "running", "failed",
           "ended with code 3: never"),
    "hangs": (["sleep", "4"], "running", "failed", "did not end within 1 s"),
    "no such command": (["/nope"], "running", "deployed", ""),
    "loud": (sh("yes | head -c 3000000; exit 4"), "running", "failed",
             "ended with code 4"),
    "paused": (["sleep", "9"], "paused", "deployed", ""),
    "does not run": (sh("exit 3"), "stopped", "deployed", ""),
}


@pytest.mark.parametrize("name", ROWS)
def test_pre_hook(drive, engine, name):
    d = drive("drv-hook")
    hook, state, want, says = ROWS[name]
    put(d, "v1")
    old = engine.run("drv-hook", ref(d, "v1"), volume="drv-hook")
    if state != "running":
        engine.call("POST", f"/containers/{old}/"
                    f"{'pause' if state == 'paused' else 'stop'}")
    before = engine.inspect(old)["State"]
    d.how = {"pre_hook": hook, "hook_timeout": "1s", "stopped": "start"}
    d.push("v2", put(d, "v2"))
    r = d.deploy(grace="0ms")
    assert says in r["reason"], r
    if want == "deployed":
        assert r["status"] == "deployed", r
        if name == "paused":
            engine.call("POST", "/containers/drv-hook/unpause")
        check_only(engine, "drv-hook", "v2")
        return
    assert (r["status"], r["retry"]) == ("failed", want == "again"), r
    c = check_only(engine, "drv-hook", "v1")
    assert (c["Id"], c["State"]) == (old, before)


def test_post_hook(drive, engine):
    """In the new container, when the old one is gone; it undoes nothing."""
    d = drive("drv-hook")
    put(d, "v1")
    engine.run("drv-hook", ref(d, "v1"))
    d.how = {"post_hook": sh("echo $VERSION on its way; exit 9")}
    d.push("v2", put(d, "v2"))
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert "the post hook of drv-hook ended with code 9: v2 on its way" \
        in r["reason"], r
    check_only(engine, "drv-hook", "v2")
