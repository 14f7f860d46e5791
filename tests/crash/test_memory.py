"""Memory that runs out under a daemon at work: it ends with a sentence, not
with a fault, and after its restart nothing is lost or done twice."""
import os
import signal
import subprocess
import threading
import time

import pytest

from peer.sink import Sink
from rig.docker import TOP
from rig.reports import NO_LEAKS
from rig.stack import DAEMONS, wait_for


@pytest.fixture(scope="module")
def nomemory(tmp_path_factory):
    lib = str(tmp_path_factory.mktemp("lib") / "nomemory.so")
    subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-o", lib,
                    os.path.join(TOP, "tests", "crash", "nomemory.c")],
                   check=True)
    return lib


@pytest.mark.skipif(bool(os.environ.get("PULLWIRE_COVERAGE")),
                    reason="counting lines needs memory at the end")
@pytest.mark.parametrize("victim", DAEMONS)
def test_no_memory(stacks, nomemory, victim):
    sink = Sink()
    stack = stacks([{"name": "tell", "repository": "shop/*",
                     "url": sink.url()}])
    full, acked, over = stack.path("full"), [], threading.Event()
    mine = {"LD_PRELOAD": nomemory, "NOMEMORY": full, **NO_LEAKS}
    for name in DAEMONS:
        stack.start(name, env=mine if name == victim else None)

    def post():
        n = 0
        while not over.wait(0.01):
            body = {"events": [{
                "id": f"e-{n}", "action": "push",
                "timestamp": "2026-01-02T03:04:05.678Z",
                "target": {"mediaType": "application/vnd.docker.distribution"
                                        ".manifest.v2+json",
                           "digest": f"sha256:{n:064x}",
                           "repository": "shop/web", "tag": f"v{n}"}}]}
            try:
                answer = stack.post(body, "registry")
            except OSError:
                continue
            assert answer.status in (202, 503), answer.text
            if answer.status == 202:
                acked.append(answer.json()["id"])
                n += 1

    thread = threading.Thread(target=post)
    thread.start()
    try:
        wait_for("work", lambda: len(acked) > 20)
        open(full, "x").close()
        died = wait_for("it ends", lambda: not stack.daemons[victim].alive()
                        and stack.daemons[victim])
        os.unlink(full)
        assert died.process.returncode not in (0, -signal.SIGSEGV), died.log()
        stack.start(victim)
        more = len(acked) + 20
        wait_for("work goes on", lambda: len(acked) > more)
    finally:
        over.set()
        thread.join()
    wait_for("every final row", lambda: set(acked) <= {
        r["event"] for r in stack.finals(trigger="tell")})
    time.sleep(0.3)
    assert len(stack.finals(trigger="tell")) == len(acked)
    ids = [r["headers"]["webhook-id"] for r in sink.requests]
    assert len(set(ids)) == len(acked)
    assert victim == "deployer" or len(ids) == len(acked)
    sink.close()
