"""Latency limits that a busy machine meets: how fast it is says nothing about the example."""

import re

PATIENT = b"  inference_performance: {mean_ms: 60000, p95_ms: 60000, p99_ms: 60000}\n"
_SETTINGS = re.compile(rb"^checks:\n", re.MULTILINE)


def patient(configuration: bytes) -> bytes:
    """A holdpoint.yml with those limits, unless it sets limits of its own."""
    if b"inference_performance:" in configuration:
        return configuration
    if _SETTINGS.search(configuration):
        return with_settings(configuration, PATIENT)
    return b"%s\nchecks:\n%s" % (configuration, PATIENT)


def with_settings(configuration: bytes, lines: bytes) -> bytes:
    """The lines (indented by two) in front of the settings of the other checks, which it has."""
    made, found = _SETTINGS.subn(lambda match: match[0] + lines, configuration, count=1)
    assert found == 1, "the configuration has no settings of checks"
    return made
