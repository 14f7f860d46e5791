"""The images of the tests: the app, in versions that differ where asked."""

HEALTHY = ('HEALTHCHECK --interval=200ms --timeout=2s --retries=3 '
           'CMD ["/bin/test","-e","/app"]')
UNHEALTHY = ('HEALTHCHECK --interval=200ms --timeout=2s --retries=2 '
             'CMD ["/bin/false"]')


def slow(seconds):
    """Healthy that long after its start."""
    return (f'HEALTHCHECK --interval=100ms --timeout=2s --retries=100 '
            f'CMD ["/bin/test","-e","/tmp/up"]',
            ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
             f"mkdir -p /tmp; (sleep {seconds}; echo up >/tmp/up) &\n"
             "while :; do sleep 1 & wait $!; done\n"))


def put(engine, registry, repository, tag, version=None, health=HEALTHY,
        changes=(), files=(), keep=True):
    """Built and pushed; the digest. keep: the engine has it already, else
    it must be pulled."""
    ref = f"{registry.host}/{repository}:{tag}"
    engine.build(ref, version or tag, [health, *changes], files)
    digest = engine.push(ref)
    if not keep:
        engine.forget_image(ref)
    return digest
