"""Tests of `rollouts.analysis`."""
