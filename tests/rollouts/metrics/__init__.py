"""Tests of `rollouts.metrics`."""
