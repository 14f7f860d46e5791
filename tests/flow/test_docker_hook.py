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
    "hangs": (["sleep", "600"], "running", "failed", "did not end within 1 s"),
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
    # Only the one that hangs may be cut off: the others end on a busy machine.
    d.how = {"pre_hook": hook, "stopped": "start",
             "hook_timeout": "1s" if name == "hangs" else "60s"}
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


SAY = sh("echo $VERSION by $(id -u); exit $CODE")


@pytest.mark.parametrize("code", (0, 75))
def test_checks(drive, engine, code):
    """Around each look at the target, whatever comes of it; they decide
    nothing, not even by 75."""
    d = drive("drv-hook")
    put(d, "v1")
    engine.run("drv-hook", ref(d, "v1"), env=[f"CODE={code}"])
    d.how = {"pre_check": SAY, "post_check": SAY, "hook_user": "7"}
    digest = put(d, "v2")
    for status, first in (("deployed", "v1"), ("unchanged", "v2")):
        d.push("v2", digest)
        r = d.deploy()
        assert r["status"] == status, r
        told = (f"; the pre check of drv-hook: ended with code 75: {first} by "
                "7; the post check of drv-hook: ended with code 75: v2 by 7")
        assert r["reason"].endswith(told) == (code != 0), r
        assert ("check" in r["reason"]) == (code != 0), r
    check_only(engine, "drv-hook", "v2")


def test_checks_of_what_is_not_done(drive, engine):
    """One that hangs, and one after a hook that said not now; a stopped
    container has none."""
    d = drive("drv-hook")
    put(d, "v1")
    old = engine.run("drv-hook", ref(d, "v1"), env=["CODE=9"])
    how = {"pre_hook": sh("exit 75")}
    d.push("v2", put(d, "v2"))
    for d.how, says in (
            ({**how, "pre_check": ["sleep", "600"], "check_timeout": "1s"},
             "the pre check of drv-hook: did not end within 1 s"),
            ({**how, "pre_check": SAY, "post_check": SAY},
             "the post check of drv-hook: ended with code 9: v1 by 0")):
        r = d.deploy()
        assert (r["status"], r["retry"]) == ("failed", True), r
        assert "not now" in r["reason"] and says in r["reason"], r
    engine.call("POST", f"/containers/{old}/stop")
    d.how = {"pre_check": sh("exit 1"), "post_check": sh("exit 1"),
             "stopped": "recreate"}
    r = d.deploy()
    assert r["status"] == "deployed" and "check" not in r["reason"], r
