"""A small kubelet: runs scheduled pods as local processes and reports them as a real one does.

Made for tests, not for use. `README.md` of the testbed lists what it leaves out.
"""
