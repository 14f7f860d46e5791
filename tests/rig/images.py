"""The images of the tests: the app, in versions that differ where asked."""

# A probe that is slow is none that fails: it may take a minute.
HEALTHY = ('HEALTHCHECK --interval=200ms --timeout=60s --retries=3 '
           'CMD ["/bin/test","-e","/app"]')
UNHEALTHY = ('HEALTHCHECK --interval=200ms --timeout=60s --retries=2 '
             'CMD ["/bin/false"]')
# Healthy from when the test says so: Drive.gate(), Drive.open_gate().
HELD = ('HEALTHCHECK --interval=200ms --timeout=60s --retries=1000 '
        'CMD ["/bin/test","-e","/data/go"]')
# Healthy when the app has written /up.
UP = ('HEALTHCHECK --interval=100ms --timeout=60s --retries=1000 '
      'CMD ["/bin/test","-e","/up"]')


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
