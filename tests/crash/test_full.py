"""Volumes that are full, and files that run out, under load: what test_disk.py
makes believe, for real. `make faults` also has them on ext4."""
import http.client
import os
import resource
import socket
import subprocess
import time

import pytest

from peer.sink import Sink
from pushes import (BACK, Sender, catches_up, missing, patient, readiness,
                    settle, triggers, works)
from rig.reports import NO_LEAKS
from rig.stack import TOKEN, wait_for, within

LONG = os.environ.get("PULLWIRE_FAULTS") == "1"
MIB = 16
CONNECTIONS = 3000


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def volume(request):
    """volume(path, kind): a small one there."""
    made = []

    def mount(path, kind):
        if kind == "tmpfs":
            args = ["-t", "tmpfs", "-o", f"size={MIB}m,mode=700", "tmpfs"]
        else:
            image = path + ".img"
            with open(image, "wb") as f:
                f.truncate(MIB << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image],
                           check=True)
            args = ["-o", "loop", image]
        os.mkdir(path)
        subprocess.run(["mount", *args, path], check=True)
        made.append(path)
        os.chmod(path, 0o700)

    yield mount
    for path in made:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    """Until not a byte more fits."""
    with open(path, "wb", 0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass
        os.fsync(f.fileno())


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"] if LONG else ["tmpfs"])
@pytest.mark.parametrize("victim", ["ingress", "deployer", "logger"])
def test_full_volume(volume, stacks, sink, victim, kind):
    """Full to the last byte, twice: nothing is acknowledged that is not on
    it; freed, all goes on, and kill -9 loses nothing."""
    stack = stacks(triggers(sink),
                   deployer={"schedule": ["0s", "1s", "1s", "1s", "1s"]})
    volume(stack.path(victim), kind)
    if victim != "ingress":
        patient(stack)
    stack.start()
    sender = Sender(stack)
    wait_for("pushes flow", lambda: len(sender.acked) > 10)
    ballast = os.path.join(stack.path(victim), "ballast")
    for _ in range(2):
        fill(ballast)
        said = within(f"{victim} says that it is full",
                      lambda: readiness(stack, victim), 5)
        print(said)
        begin = time.monotonic()
        time.sleep(1)
        wait_for("pushes are answered", lambda: sender.since(begin))
        got = sender.since(begin)
        if victim == "ingress":
            assert 202 not in got and got[503] > 0, got
        else:
            assert 503 not in got and got[202] > 0, (got, sender.refused)
            assert any("full" in s for s in said), said
        sender.goes.clear()
        time.sleep(0.3)
        os.unlink(ballast)
        catches_up(stack, sender, "room again")
        works(stack)
        within("it is ready", lambda: not readiness(stack, victim), BACK)
    fill(ballast)
    time.sleep(0.5)
    stack.kill(victim)
    os.unlink(ballast)
    stack.start(victim)
    works(stack)
    stack.kill(victim)
    stack.start(victim)
    settle(stack, sender, sink, repeats=64)


def cpu(pid):
    """Seconds of a processor that it has used."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def dial(port, n):
    """n connections from many addresses that say nothing."""
    made = []
    for i in range(n):
        s = socket.socket()
        s.bind((f"127.2.{i // 40 // 200}.{i // 40 % 200 + 1}", 0))
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
        made.append(s)
    return made


def start_with_few_files(stack, role, files):
    real, stack.build = stack.build, stack.path("few")
    os.mkdir(stack.build)
    program = os.path.join(stack.build, "pullwire-" + role)
    with open(program, "w") as f:
        f.write(f"#!/bin/sh\nulimit -n {files}\n"
                f"exec {os.path.join(real, 'pullwire-' + role)} \"$@\"\n")
    os.chmod(program, 0o700)
    try:
        stack.start(role)
    finally:
        stack.build = real


def test_a_crowd_takes_all_connections(stacks, sink):
    """Ingress may have 400 files, and thousands connect and say nothing: who
    is there already is served, matchers that come then are, too, the
    processor is not eaten up, and once they go everyone is."""
    mine = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (mine[1], mine[1]))
    stack = stacks(triggers(sink)).start("logger", "deployer", "matcher")
    start_with_few_files(stack, "ingress", 400)
    sender = Sender(stack)
    wait_for("pushes flow", lambda: len(sender.acked) > 10)
    ingress = stack.daemons["ingress"]
    crowd = dial(stack.ingress_port, CONNECTIONS)
    try:
        wait_for("it is full", lambda: stack.get_quietly(
            stack.ingress_port, "/healthz", timeout=0.5) is False)
        begin, used = time.monotonic(), cpu(ingress.process.pid)
        stack.start("matcher-2", "matcher-3")
        stack.kill("matcher")
        time.sleep(1)
        wait_for("pushes are taken", lambda: sender.since(begin)[202])
        used = (cpu(ingress.process.pid) - used) / (time.monotonic() - begin)
        got = sender.since(begin)
        print(f"{used:.2f} of a processor, {dict(got)}")
        assert used < 0.5
        assert ingress.alive()
        assert set(got) <= {202, 503}, got
        catches_up(stack, sender, "by new matchers")
    finally:
        for s in crowd:
            s.close()
    works(stack)
    stack.kill("ingress")
    stack.start("ingress")
    settle(stack, sender, sink, repeats=0)


@pytest.mark.parametrize("victim",
                         ["ingress", "deployer", "logger", "matcher"])
def test_descriptors_run_out(stacks, sink, victim):
    """Not one more file, socket or connection, while a neighbour comes anew.
    Who cannot have the files of a link ends, as without memory, and is
    started again; what waits for it is done when there are some."""
    stack = stacks(triggers(sink),
                   deployer={"schedule": ["0s"] + ["1s"] * 9})
    stack.environment.update(NO_LEAKS)
    stack.start()
    sender = Sender(stack)
    wait_for("pushes flow", lambda: len(sender.acked) > 10)
    daemon = stack.daemons[victim]
    pid = daemon.process.pid
    had = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, had[1]))
    used, begin = cpu(pid), time.monotonic()
    neighbour = "matcher" if victim != "matcher" else "deployer"
    stack.kill(neighbour)
    stack.start(neighbour)
    time.sleep(1.5)
    sender.goes.clear()
    print(f"{missing(stack, sender)} rows wait")
    if daemon.alive():
        share = (cpu(pid) - used) / (time.monotonic() - begin)
        assert share < 0.5, share
        resource.prlimit(pid, resource.RLIMIT_NOFILE, had)
    else:
        assert "Too many open files" in daemon.log()
        stack.start(victim)
    catches_up(stack, sender, "descriptors again")
    works(stack)
    stack.kill(victim)
    stack.start(victim)
    settle(stack, sender, sink, repeats=64)
