"""The kill storm in its short form; `make storm` is the long one."""
import os

import storm
from rig.reports import PATIENCE


def test_storm(engine, registry):
    seconds = float(os.environ.get("STORM_SECONDS", 60))
    rate = int(1000 / PATIENCE)
    told = storm.run(engine, registry, seconds, rate, total=rate * int(seconds),
                     seed=os.environ.get("SEED", "60 seconds"))
    print(told)
    assert told["kills"] >= seconds / storm.KILL_EVERY - 1
    assert told["acked"] >= rate * int(seconds)
