"""Latency limits that a busy machine meets: how fast it is says nothing about the example."""

PATIENT = b"""
checks:
  inference_performance: {mean_ms: 60000, p95_ms: 60000, p99_ms: 60000}
"""


def patient(configuration: bytes) -> bytes:
    """A holdpoint.yml with those limits, unless it sets limits of its own."""
    if b"inference_performance" in configuration:
        return configuration
    if b"\nchecks:\n" in configuration:
        return configuration.replace(b"\nchecks:\n", PATIENT)
    return configuration if b"\nchecks:" in configuration else configuration + PATIENT
