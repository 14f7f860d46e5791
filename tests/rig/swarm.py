"""A Swarm of one node, the engine of the tests, and its services."""
import json

from .docker import DockerError
from .stack import free_port, wait_for

MS = 1000000  # ns


class Swarm:
    def __init__(self, engine):
        self.engine = engine
        self.leave()
        engine.call("POST", "/swarm/init", {
            "ListenAddr": f"127.0.0.1:{free_port()}",
            "AdvertiseAddr": "127.0.0.1"})

    def leave(self):
        try:
            self.engine.call("POST", "/swarm/leave", force="1")
        except DockerError:
            pass  # it was in none

    def service(self, name):
        try:
            return self.engine.call("GET", f"/services/{name}")
        except DockerError:
            return None

    def image(self, name):
        s = self.service(name)["Spec"]
        return s["TaskTemplate"]["ContainerSpec"]["Image"]

    def status(self, name):
        return self.service(name).get("UpdateStatus", {}).get("State")

    def tasks(self, name, **filters):
        return self.engine.call("GET", "/tasks", filters=json.dumps(
            {"service": [name], **filters}))

    def running(self, name):
        return [t for t in self.tasks(name) if t["DesiredState"] == "running"
                and t["Status"]["State"] == "running"]

    def spec(self, name, image, action="pause", replicas=1, mode=None,
             labels=None, monitor=300, **template):
        """Updates all at once, watched for so many ms: what fails later Swarm
        does not hold against the update, and the first that fails ends it at
        once, so that a long time costs only good images. stop-first: with the other order
        20.10 makes too many tasks where some crash meanwhile."""
        how = {"Parallelism": 0, "Order": "stop-first"}
        spec = {
            "Name": name, "Labels": labels or {},
            "TaskTemplate": {
                "ContainerSpec": {"Image": image, "Env": ["MINE=1"],
                                  "StopGracePeriod": 1000 * MS},
                "RestartPolicy": {"Condition": "any", "Delay": 500 * MS},
                **template},
            "Mode": mode or {"Replicated": {"Replicas": replicas}}}
        if "ReplicatedJob" not in spec["Mode"]:
            spec["UpdateConfig"] = {**how, "FailureAction": action,
                                    "Monitor": monitor * MS}
            spec["RollbackConfig"] = {**how, "FailureAction": "pause",
                                      "Monitor": 300 * MS}
        return spec

    def create(self, name, image, auth=None, **more):
        self.remove(name)
        spec = self.spec(name, image, **more)
        head = {"X-Registry-Auth": auth} if auth else {}
        made = self.engine.call("POST", "/services/create", spec, head)
        mode = spec["Mode"]
        wanted = mode.get("Replicated", {}).get("Replicas", 1)
        if "Replicated" in mode or "Global" in mode:
            wait_for(f"{name} runs",
                     lambda: len(self.running(name)) >= wanted)
        return made["ID"]

    def update(self, name, change):
        """change(spec), then an update as a person's."""
        def try_it():
            s = self.service(name)
            change(s["Spec"])
            try:
                self.engine.call("POST", f"/services/{s['ID']}/update",
                                 s["Spec"], version=s["Version"]["Index"])
            except DockerError as e:
                assert "out of sequence" in str(e), e
                return False
            return True

        wait_for(f"{name} is updated", try_it)

    def remove(self, name):
        try:
            self.engine.call("DELETE", f"/services/{name}")
        except DockerError:
            pass
