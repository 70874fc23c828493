"""A real Kubernetes cluster for the tests, without a container engine and without root.

Everything (control plane, node, gateway, registry) runs in one network namespace whose only
interface is ``lo``, so nothing that a test does can leave the machine. ``README.md`` in this
folder says how to use it from a test and from a terminal, and where it differs from a real node.

This package knows nothing of Holdpoint; only the tests and ``make testbed`` use it.
"""
