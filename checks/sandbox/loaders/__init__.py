"""One script for each model format, run as text inside the child (see `checks.sandbox.scripts`)."""
