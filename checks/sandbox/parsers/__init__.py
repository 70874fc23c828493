"""One script for each data format, run as text inside the child (see `checks.sandbox.scripts`)."""
