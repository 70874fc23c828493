"""Brings a verdict to a pull request: one comment edited in place, and one check run.

Called by `checks.action`. `bodies`, `annotations`, `retry` and `text` are pure; `github` is the one
edge that talks to GitHub; `publisher` puts them in order. Nothing here judges or renders.
"""
