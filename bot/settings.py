"""Every setting of the bot: bot.yaml and three secrets, read once at start and never again.

Called by `bot.app`. Strict: an unknown key, a wrong type or an empty secret stops the bot with one
sentence that says where and what was expected. It deliberately asks no outside system whether a
value is right; `bot.app` does that for Slack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.policy import EVERYONE, Role, Rules
from bot.yamlfile import Node, SettingsError, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Secrets", "Settings", "SettingsError", "Target", "read_secrets", "read_settings"]

SLACK_API = "https://slack.com/api/"
GITHUB_API = "https://api.github.com"
COMMIT_PLACE = "{commit}"
_TEAM = re.compile(r"[TE][A-Z0-9]{2,20}")
_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,20}")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TARGET = re.compile(r"[a-z](?:[a-z0-9-]{0,52}[a-z0-9])?")  # as the ModelDeployment's schema has it
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_IMAGE = re.compile(r"(?P<host>[a-z0-9.-]+(?::\d{1,5})?)/(?P<name>[a-z0-9._-]+(?:/[a-z0-9._-]+)*)")
_TAG = re.compile(r"[A-Za-z0-9_{][A-Za-z0-9._{}-]{0,100}")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,30}")
_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
_HOST = re.compile(r"[a-z0-9.-]+(?::\d{1,5})?")
_PATH = re.compile(r"/[^\x00-\x1f]{1,500}")


@dataclass(frozen=True)
class Target:
    """One ModelDeployment that may be addressed, and where its evidence is.

    `image` is a repository without a tag; `tag` holds `{commit}`, the full SHA.
    """

    name: str
    namespace: str
    repository: str
    image: str
    tag: str
    model_path: str
    channels: frozenset[str]
    minimum_score: float
    evidence_max_age: timedelta

    def tag_for(self, commit: str) -> str:
        """The tag of the image that was built from `commit`."""
        return self.tag.replace(COMMIT_PLACE, commit)


@dataclass(frozen=True)
class Settings:
    """bot.yaml, validated."""

    rules: Rules
    targets: Mapping[str, Target]
    github_app_id: int
    github_check: str = "holdpoint"
    github_api: str = GITHUB_API
    slack_api: str = SLACK_API
    slack_command: str = "/deploy"
    insecure_registries: frozenset[str] = frozenset()

    def default_target(self, channel: str) -> str | None:
        """The one target whose channel this is; None where there is none, or more than one."""
        own = [target.name for target in self.targets.values() if channel in target.channels]
        return own[0] if len(own) == 1 else None


@dataclass(frozen=True)
class Secrets:
    """What is read from the environment only. Never printed."""

    slack_token: str = field(repr=False)
    slack_signing_secret: str = field(repr=False)
    github_token: str = field(repr=False)


_WHERE_TO_FIND = {
    "SLACK_BOT_TOKEN": "the app's page, OAuth & Permissions, Bot User OAuth Token (xoxb-...)",
    "SLACK_SIGNING_SECRET": "the app's page, Basic Information, App Credentials, Signing Secret",
    "HOLDPOINT_GITHUB_TOKEN": "GitHub, Settings, Developer settings: a token that may read "
    "checks and contents of the targets' repositories",
}


def read_secrets(environ: Mapping[str, str]) -> Secrets:
    """The three secrets. Raises SettingsError naming the first that is missing or empty."""
    values = []
    for variable, place in _WHERE_TO_FIND.items():
        value = environ.get(variable, "").strip()
        if not value:
            state = "is empty" if variable in environ else "is not set"
            raise SettingsError(
                f"the environment variable {variable} {state}; its value is found under: {place}"
            )
        values.append(value)
    return Secrets(*values)


def read_settings(path: Path, reserved: Callable[[str], bool]) -> Settings:
    """The settings in a file; no target may have a `reserved` name. Raises SettingsError."""
    root = read_yaml(path)
    root.only("version", "slack", "github", "registry", "targets", "roles")
    root.constant("version", 1)
    slack, github = root.child("slack"), root.child("github")
    slack.only("teams", "apiUrl", "command")
    github.only("apiUrl", "check", "appId")
    registry = root.child("registry", optional=True)
    registry.only("insecure")
    return Settings(
        rules=Rules(
            frozenset(slack.texts("teams", _TEAM, "workspace ids such as T0123ABCD", least=1)),
            _roles(root.child("roles")),
        ),
        targets=_targets(root.child("targets"), reserved),
        github_app_id=github.whole("appId", least=1),
        github_check=github.text("check", None, "a check run's name", default="holdpoint"),
        github_api=github.text("apiUrl", _URL, "a URL", default=GITHUB_API).rstrip("/"),
        slack_api=slack.text("apiUrl", _URL, "a URL", default=SLACK_API).rstrip("/") + "/",
        slack_command=slack.text("command", _COMMAND, "such as /deploy", default="/deploy"),
        insecure_registries=frozenset(registry.texts("insecure", _HOST, "host:port")),
    )


def _roles(node: Node) -> Mapping[Role, frozenset[str]]:
    node.only(*(role.value for role in Role))
    holders = {}
    user_or_all = re.compile(rf"{_USER.pattern}|{re.escape(EVERYONE)}")
    for role in Role:
        entry = node.child(role.value, optional=True)
        entry.only("users")
        ids = entry.texts("users", user_or_all, "user ids such as U0123ABCD, or *")
        holders[role] = frozenset(ids)
    return holders


def _targets(node: Node, reserved: Callable[[str], bool]) -> Mapping[str, Target]:
    targets = {name: _target(name, node.child(name), reserved) for name in node.names()}
    if not targets:
        raise node.wrong("at least one target")
    return targets


def _target(name: str, node: Node, reserved: Callable[[str], bool]) -> Target:
    node.only(
        "namespace", "repository", "image", "tag", "modelPath", "channels", "minimumScore",
        "evidenceMaxAgeHours",
    )  # fmt: skip
    if not _TARGET.fullmatch(name):
        raise node.wrong("a ModelDeployment's name: lower-case letters, digits and hyphens")
    if reserved(name):
        raise node.wrong("another name: this one would be read as a verb, a weight or a commit")
    tag = node.text("tag", _TAG, f"a tag that holds {COMMIT_PLACE}", default=COMMIT_PLACE)
    if tag.count(COMMIT_PLACE) != 1 or "{" in tag.replace(COMMIT_PLACE, ""):
        raise node.wrong(f"a tag that holds {COMMIT_PLACE} once, and no other brace", "tag")
    hours = node.number("evidenceMaxAgeHours", above=0, most=24 * 366, default=168)
    return Target(
        name=name,
        namespace=node.text("namespace", _DNS_LABEL, "a namespace"),
        repository=node.text("repository", _REPOSITORY, "owner/name"),
        image=node.text("image", _IMAGE, "host/name without a tag, the host spelt out"),
        tag=tag,
        model_path=node.text("modelPath", _PATH, "an absolute path in the image"),
        channels=frozenset(node.texts("channels", _CHANNEL, "channel ids such as C0123ABCD")),
        minimum_score=node.number("minimumScore", above=-1e-9, most=1, default=0.8),
        evidence_max_age=timedelta(hours=hours),
    )
