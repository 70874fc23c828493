"""`python -m tests.fakes.github`: fetches GitHub's description while there is a network."""

from __future__ import annotations

from tests.fakes.github import description
from tests.fakes.github.routes import ROUTES

description.load((route.method, route.template) for route in ROUTES)
description.say(f"ready in {description.folder()}")
