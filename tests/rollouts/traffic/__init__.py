"""Tests of `rollouts.traffic`."""
