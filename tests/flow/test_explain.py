"""`pullwire-matcher explain`: what a push would do, told without doing it, in
the words of the log; of a name and of a webhook's body."""
import os
import shutil
import subprocess

from peer.sink import Sink
from rig.docker import TOP
from rig.stack import BUILD, TOKEN

BODY = os.path.join(TOP, "tests/vectors/harbor/push.json")


def test_a_body_is_explained_as_it_is_logged(stacks):
    sink = Sink()
    stack = stacks(
        [{"name": "yes", "repository": "**", "url": sink.url("/yes"),
          "dry_run": True},
         {"name": "no", "repository": "**", "url": sink.url("/no"),
          "expression": "release-v.*"},
         {"name": "else", "repository": "shop/else", "url": sink.url("/x")}],
        sources=[{"name": "hub", "type": "harbor", "auth": {"bearer": TOKEN},
                  "registry": "pull.example.com"}])
    stack.start()
    with open(BODY, "rb") as f:
        event = stack.post(f.read(), "hub").json()["id"]
    untriggered = stack.wait_final(event, "no")
    dry = stack.wait_final(event, "yes")
    for args in (["--source", "hub"], ["--type", "harbor"]):
        told = stack.run("matcher", "explain", stack.config, "--payload",
                         BODY, *args)
        assert told.returncode == 0, told.stderr
        lines = told.stdout.splitlines()
        # The source of the configuration says where the image is pulled from.
        assert lines[0].startswith(
            f"pull.example.com/{untriggered['repository']}:"
            f"{untriggered['tag']}@sha256:"), lines
        assert f"  no: untriggered: {untriggered['reason']}" in lines, lines
        assert [x for x in lines if x.startswith("  yes: post to ")
                and x.partition(" as a dry run: ")[2] in dry["reason"]], lines
        assert "  else: not concerned: it is for shop/else" in lines, lines
    sink.close()


def test_what_cannot_be_explained(tmp_path):
    config = tmp_path / "p.yml"
    config.write_text("triggers: [{name: a, repository: a, "
                      "url: 'http://h.example/'}]\n")
    program = os.path.join(BUILD, "pullwire-matcher")

    def explain(*args, program=program):
        done = subprocess.run([program, "explain", str(config), *args],
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    code, _, err = explain("--payload", BODY, "--type", "quay")
    assert code == 2 and "the body is refused" in err
    code, _, err = explain("--payload", BODY, "--type", "nonsense")
    assert code == 2 and "`nonsense` is no type" in err
    code, _, err = explain("--payload", "/nowhere", "--type", "harbor")
    # By the name of the program that was typed.
    assert code == 2 and err.startswith(
        "pullwire-matcher: /nowhere cannot be read"), err
    code, out, err = explain("a@sha256:" + 64 * "0")
    assert code == 2 and out == "" and "has no tag" in err, err
    assert "write a:TAG@sha256:" in err, err
    code, out, err = explain("a:b@sha256:12")
    assert code == 2 and out == "" and "`sha256:12` is no digest" in err, err
    for args in ((), ("--payload", BODY), ("a:b", "--type", "harbor"),
                 ("a:b", "c:d"), ("--payload",)):
        code, _, err = explain(*args)
        assert code == 2 and "usage: " in err, args
    alone = tmp_path / "pullwire-matcher"
    shutil.copy(program, alone)
    code, _, err = explain("--payload", BODY, "--type", "harbor",
                           program=str(alone))
    assert code == 2 and "pullwire-ingress, which is not there" in err
    assert explain("a:b")[:2] == (
        0, "a:b\n  a: post to http://h.example/: tag `b` is taken: the "
           "trigger takes every tag\n")


def test_triggers_of_labels_are_not_denied(tmp_path):
    config = tmp_path / "p.yml"
    file = ("triggers: [{name: a, repository: a, "
            "url: 'http://h.example/'}]\n")
    engine = "engines: [{name: local, docker: 'unix:///x', labels: %s}]\n"

    def explain(text):
        config.write_text(text)
        done = subprocess.run(
            [os.path.join(BUILD, "pullwire-matcher"), "explain", str(config),
             "shop/lab:v3"], capture_output=True, text=True)
        assert done.returncode == 0, done
        assert "no trigger names repository `shop/lab`" in done.stdout
        return done.stdout

    told = explain(file + engine % "true")
    assert "have as labels are not in the file" in told, told
    assert "--filter label=pullwire.enable" in told, told
    assert "labels" not in explain(file + engine % "false")
    assert "labels" not in explain(file)
