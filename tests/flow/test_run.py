"""`make run`, and then the commands of README.md in a second terminal, as they
are typed there."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from rig.docker import TOP
from rig.stack import BUILD, free_port


@pytest.fixture
def running():
    folder = tempfile.mkdtemp(prefix="pullwire-run-")
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("PULLWIRE_")}
    env |= {"PULLWIRE_RUN": f"{folder}/links", "PULLWIRE_BUILD": BUILD,
            "PULLWIRE_STATE": f"{folder}/the state",
            "PULLWIRE_PORT": str(free_port()),
            "PULLWIRE_LOG_PORT": str(free_port())}
    with open(f"{folder}/out", "w") as out:
        run = subprocess.Popen(["tests/run.sh"], cwd=TOP, env=env, stdout=out,
                               stderr=out)
    yield folder
    run.send_signal(signal.SIGTERM)
    run.wait(timeout=120)
    shutil.rmtree(folder)


def test_the_commands_of_the_readme_find_what_runs(running):
    def output():
        with open(f"{running}/out") as f:
            return f.read()

    def typed(line):
        return subprocess.run(
            ["sh", "-c", line], cwd=TOP, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": "/"}, timeout=120)

    def until(line, what):
        end = time.monotonic() + 60
        while True:
            done = typed(source + line)
            if what in done.stdout:
                return
            assert time.monotonic() < end, (line, done, output())
            time.sleep(0.2)

    end = time.monotonic() + 60
    while not re.search(r"^  \. ", output(), re.M):
        assert time.monotonic() < end, output()
        time.sleep(0.1)
    source = re.search(r"^  (\. .*)$", output(), re.M).group(1) + "\n"
    assert source == f". {running}/env\n"
    assert os.stat(f"{running}/env").st_mode & 0o077 == 0  # it has the token
    until("pullwire-ingress health", "ready")
    with open(os.path.join(TOP, "README.md")) as f:
        page = f.read()
    for line in ("pullwire-ingress send push shop/web:release-v1",
                 "pullwire-logger log -n 20", "pullwire-ingress health",
                 "pullwire-matcher explain FILE shop/web:v1",
                 ". build/run/env"):
        assert f"\n{line}" in page, line
    # No trigger of etc/pullwire.yml takes it, so no engine is asked.
    sent = typed(source + "pullwire-ingress send push shop/web:v1")
    assert sent.returncode == 0, sent
    until("pullwire-logger log -n 20", "untriggered")
    until('pullwire-matcher explain "$PULLWIRE_CONFIG" shop/web:v1',
          "web: untriggered")
