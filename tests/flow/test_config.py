"""A wrong configuration: every fault in a sentence, nothing started."""
import os
import re

import pytest

from rig.stack import DAEMONS, TOP

FIVE_FAULTS = """\
sources:
  - name: registry
    type: distributoin
    auth: {bearer: 0123456789abcdef}
triggers:
  - name: web
    repository: shop/web
    expression: release-v.*
    deploy: {container: web}
    colour: blue
  - name: many
    repository: shop/web
    tags: [a, b, c, d, e, f, g, h, i, j, k]
    deploy: {container: web}
  - name: both
    repository: shop/web
    url: http://cs.example.com:1024/hook
engines:
  - name: local
    docker: unix:///var/run/docker.sock
ingress: {http: "127.0.0.1:18080", link: "ipc:///tmp/pw-x/a", state: DIR/i}
deployer: {link: "ipc:///tmp/pw-x/b", state: DIR/d}
logger: {http: "127.0.0.1:18081", link: "ipc:///tmp/pw-x/c", store: sqlite:DIR/l/log.db, retain: soon}
matcher: {ingress: ["ipc:///tmp/pw-x/a"], deployer: ["ipc:///tmp/pw-x/b"], logger: ["ipc:///tmp/pw-x/c"]}
"""
FAULTY_LINES = [3, 10, 13, 17, 23]


@pytest.mark.parametrize("role", DAEMONS)
@pytest.mark.parametrize("args", [["-n"], []], ids=["check", "start"])
def test_five_faults(stacks, role, args):
    stack = stacks([])
    with open(stack.config, "w") as f:
        f.write(FIVE_FAULTS.replace("DIR", stack.dir))
    before = set(os.listdir(stack.dir))
    done = stack.run(role, *args)
    assert done.returncode == 2, done
    said = [x for x in done.stderr.splitlines()
            if x.startswith(stack.config + ":")]
    lines = [int(re.match(r".*?:(\d+): ", x).group(1)) for x in said]
    assert lines == FAULTY_LINES, done.stderr
    assert set(os.listdir(stack.dir)) == before, "nothing was started"


@pytest.mark.parametrize("role", DAEMONS)
def test_good_configuration(stacks, role):
    stack = stacks([{"name": "web", "repository": "shop/web",
                     "deploy": {"container": "web"}}],
                   {"local": "/var/run/docker.sock"})
    done = stack.run(role, "-n")
    assert done.returncode == 0, done


@pytest.mark.parametrize("role", DAEMONS)
def test_missing_file(stacks, role):
    stack = stacks([])
    os.unlink(stack.config)
    done = stack.run(role)
    assert done.returncode == 2 and stack.config in done.stderr, done


@pytest.mark.parametrize("role", DAEMONS)
def test_the_example_is_valid(stacks, role):
    """etc/pullwire.yml, which the demo and Compose run."""
    stack = stacks([])
    stack.config = os.path.join(TOP, "etc", "pullwire.yml")
    done = stack.run(role, "-n", PULLWIRE_TOKEN="x" * 20)
    assert done.returncode == 0, done


@pytest.mark.parametrize("role", DAEMONS)
def test_help(stacks, role):
    """Asked for, it is told in full, without a configuration; and does
    nothing else."""
    stack = stacks([])
    os.unlink(stack.config)
    told = [stack.run(role, word) for word in ("-h", "--help")]
    assert [t.returncode for t in told] == [0, 0], told
    assert told[0].stdout == told[1].stdout
    assert "invalid" not in told[1].stderr
    assert stack.run(role, "--version").stdout == \
        stack.run(role, "-V").stdout != ""
    before = set(os.listdir(stack.dir))
    commands = re.findall(r"^  ([a-z]+)", told[0].stdout, re.M)
    assert len(commands) >= 3
    for command in commands:
        for word in ("-h", "--help"):
            done = stack.run(role, command, word)
            assert done.returncode == 0, (command, done)
            assert done.stdout.startswith(f"usage: pullwire-{role} "), done
    assert set(os.listdir(stack.dir)) == before


def test_no_such_queue_command(stacks):
    stack = stacks([])
    done = stack.run("deployer", "queue", "aprove", "x")
    assert done.returncode == 2 and "approve" in done.stderr, done
