"""Each guard taken out in turn: a build with the guard off must be caught by
the tests that stand for it. A mutation is a failure point of make FAIL=1.
"""
import os
import re
import subprocess
import sys

import pytest

import powerloss
from rig.docker import TOP
from rig.stack import BUILD_FAIL

EVENTS = 5
# A busy machine may act on what it is told only when it has become true.
TRIES = 3
# What each mutation takes away, for people.
WITHOUT = {
    "db.nofsync": "no fsync", "db.early": "ACK before commit",
    "credit.stale": "lease ignored", "queue.repeat": "dedupe off",
    "spool.repeat": "dedupe off",
}
# mutation, and whose it is: who answers before the commit has told the one
# before it that it may forget
DISK = [("db.nofsync", "ingress"), ("db.early", "ingress"),
        ("db.early", "deployer"), ("db.early", "logger")]
# mutation, what has to turn red: a test file and which of it
WIRE = [
    ("credit.stale", "conform/test_dialogue.py", "nack_comes_again_later"),
    ("credit.stale", "conform/test_repeats.py", "late_acknowledgements"),
    ("queue.repeat", "conform/test_repeats.py", "job_that_comes_again"),
    ("spool.repeat", "conform/test_repeats.py", "body_that_comes_again"),
]
# mutation, a unit's program, and its test that turns red
UNIT = [
    ("credit.stale", "proto/test_credit", "test_stale"),
    ("credit.suspect", "proto/test_credit", "test_killer"),
    ("db.owner", "ingress/test_spool", "test_one_owner"),
    ("spool.sum", "ingress/test_spool", "test_damaged"),
    ("queue.final", "deployer/test_queue_store", "test_one_final_row"),
    ("queue.target", "deployer/test_queue_model", "test_model"),
    ("journal.put", "deployer/test_docker_note", "test_life"),
    ("log.first", "logger/test_store", "one_row_is_final"),
    ("log.sum", "logger/test_store_damage", "a_changed_row_is_told"),
]


def names(table):
    """What `make mutations` prints for each."""
    return [f"{WITHOUT.get(row[0], row[0])}: {row[-1]}" for row in table]


def test_powerloss():
    """The short form of `make powerloss`, which finds nothing."""
    print(powerloss.run(EVENTS))


@pytest.mark.parametrize("mutation,victim", DISK, ids=names(DISK))
def test_powerloss_finds(mutation, victim):
    found = ""
    for _ in range(TRIES):
        try:
            powerloss.run(EVENTS, f"{mutation}:error", victim)
        except AssertionError as e:
            found = str(e)
            break
    print(found)
    assert re.search("is lost$|is nowhere$|damaged", found)


@pytest.mark.parametrize("mutation,path,which", WIRE, ids=names(WIRE))
def test_found(mutation, path, which):
    """Red without the guard; that it is green with it, the suite shows."""
    got = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         os.path.join(TOP, "tests", path), "-k", which],
        text=True, capture_output=True, cwd=os.path.join(TOP, "tests"),
        env={**os.environ, "PULLWIRE_BUILD": BUILD_FAIL, "PULLWIRE_COUNT": "",
             "PULLWIRE_MUTATION": f"{mutation}:error"})
    print(got.stdout.splitlines()[-1:])
    assert got.returncode == 1 and "1 failed" in got.stdout, \
        got.stdout[-4000:]


def mutated(program, args, fail, folder):
    return subprocess.run(
        [os.path.join(BUILD_FAIL, program), *args], capture_output=True,
        text=True, timeout=600, env={
            **os.environ, "PULLWIRE_FAIL": fail,
            "PULLWIRE_FAIL_DIR": str(folder),
            "CMOCKA_MESSAGE_OUTPUT": "TAP",
            # A test that fails frees nothing.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
            + ":detect_leaks=0"})


@pytest.mark.parametrize("mutation,program,test", UNIT, ids=names(UNIT))
def test_unit_finds(mutation, program, test, tmp_path):
    """Green with the guard; without it the test that stands for it is red."""
    program = "tests/unit/" + program
    got = mutated(program, [], "", tmp_path)
    assert got.returncode == 0, got.stdout[-2000:]
    got = mutated(program, [], f"{mutation}:error", tmp_path)
    print(*re.findall("^not ok [0-9]+ - .*", got.stdout, re.M), sep="\n")
    assert got.returncode != 0
    assert re.search(f"^not ok [0-9]+ - {test}$", got.stdout, re.M), \
        got.stdout[-2000:]


def test_flips_find(tmp_path):
    """Without the checksum of each job turned bits are not seen; that they
    are with it, test_stores.py shows."""
    got = mutated("tests/crash/stores-queue",
                  ["flips", str(tmp_path / "store"), "1000"],
                  "queue.sum:error", tmp_path)
    print(got.stdout[-500:])
    assert got.returncode == 1 and ", 0 lost unseen" not in got.stdout
