"""The kill storm in its short form; `make storm` is the long one."""
import os

import storm


def test_storm(engine, registry):
    seconds = float(os.environ.get("STORM_SECONDS", 60))
    told = storm.run(engine, registry, seconds, rate=1000,
                     total=int(1000 * seconds),
                     seed=os.environ.get("SEED", "60 seconds"))
    print(told)
    assert told["kills"] >= seconds / storm.KILL_EVERY - 1
    assert told["acked"] >= 1000 * seconds
