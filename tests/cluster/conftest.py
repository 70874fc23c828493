"""The cluster for these tests."""

from tests.testbed.fixtures import *  # noqa: F403
