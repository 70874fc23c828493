"""Every setting of the bot: bot.yaml and its secrets, read once at start and never again.

Called by `bot.app`. Strict: an unknown key, a wrong type or an empty secret stops the bot with one
sentence that says file, line, key, what was expected and what is nearest. It deliberately asks no
outside system whether a value is right; `bot.app` does that for Slack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot import reading
from bot.places import Environment, Target
from bot.policy import Person, Role, Rules
from bot.yamlfile import SettingsError, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Secrets", "Settings", "SettingsError", "Target", "read_secrets", "read_settings"]

SLACK_API = "https://slack.com/api/"
GITHUB_API = "https://api.github.com"
_TEAM = re.compile(r"[TE][A-Z0-9]{2,20}")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,30}")
_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
_HOST = re.compile(r"[a-z0-9.-]+(?::\d{1,5})?")
MODES = ("http", "socket")


@dataclass(frozen=True)
class Settings:
    """bot.yaml, validated. `rules` are the roles of whoever speaks about no environment."""

    rules: Rules
    targets: Mapping[str, Target]
    github_app_id: int
    github_check: str = "holdpoint"
    github_api: str = GITHUB_API
    slack_api: str = SLACK_API
    slack_command: str = "/deploy"
    slack_mode: str = "http"
    insecure_registries: frozenset[str] = frozenset()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    humans: Mapping[str, str] = field(default_factory=dict)  # `slack:U1`, `github:ada` -> name

    def __post_init__(self) -> None:
        if not self.environments:
            object.__setattr__(self, "environments", {"": Environment("", self.rules)})

    def default_target(self, channel: str) -> str | None:
        """The one target whose channel this is; None where there is none, or more than one."""
        own = [target.name for target in self.targets.values() if channel in target.channels]
        return own[0] if len(own) == 1 else None

    def default_environment(self, channel: str) -> str | None:
        """The channel's, or the only one; None where a command has to name it."""
        own = [place.name for place in self.environments.values() if channel in place.channels]
        if not own and len(self.environments) == 1:
            own = list(self.environments)
        return own[0] if len(own) == 1 else None

    def place(self, target: str, environment: str) -> Target:
        """The target in that environment. Raises KeyError for names that do not exist."""
        found, where = self.targets[target], self.environments[environment]
        return replace(found, environment=environment, namespace=where.namespace or found.namespace)

    def places(self) -> tuple[Target, ...]:
        """Every target in every environment where it may be, in the order of the environments."""
        return tuple(
            self.place(target.name, name)
            for name in self.environments
            for target in self.targets.values()
            if not target.environments or name in target.environments
        )

    def rules_in(self, environment: str | None) -> Rules:
        """The roles of one environment, or those for commands that speak of none."""
        return self.rules if environment is None else self.environments[environment].rules

    @property
    def collective(self) -> frozenset[str]:
        """The groups and channels that give a role anywhere."""
        each = [place.rules.collective for place in self.environments.values()]
        return self.rules.collective.union(*each)

    def known(self, person: Person) -> Person:
        """With what the identity map says of the account's owner."""
        human = self.humans.get(f"slack:{person.id}", "")
        accounts = [account for account, name in self.humans.items() if human and name == human]
        logins = {a.removeprefix("github:") for a in accounts if a.startswith("github:")}
        return replace(person, human=human, logins=frozenset(logins))


@dataclass(frozen=True)
class Secrets:
    """What is read from the environment only. Never printed. One of the signing secret and the
    app token is "", by the mode."""

    slack_token: str = field(repr=False)
    slack_signing_secret: str = field(repr=False)
    github_token: str = field(repr=False)
    slack_app_token: str = field(repr=False, default="")


_APP = "the app's page"
_WHERE_TO_FIND = {
    "SLACK_BOT_TOKEN": f"{_APP}, OAuth & Permissions, Bot User OAuth Token (xoxb-...)",
    "SLACK_SIGNING_SECRET": f"{_APP}, Basic Information, App Credentials, Signing Secret",
    "SLACK_APP_TOKEN": f"{_APP}, Basic Information, App-Level Tokens, one with the scope "
    "connections:write (xapp-...)",
    "HOLDPOINT_GITHUB_TOKEN": "GitHub, Settings, Developer settings: a token that may read "
    "checks and contents of the targets' repositories",
}
_NEEDED = {
    "http": ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "HOLDPOINT_GITHUB_TOKEN"),
    "socket": ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "HOLDPOINT_GITHUB_TOKEN"),
}
_PREFIXES = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}


def read_secrets(environ: Mapping[str, str], mode: str = "http") -> Secrets:
    """The secrets that the mode needs. Raises SettingsError naming the first that is missing,
    empty or evidently another token."""
    found = {variable: _secret(environ, variable) for variable in _NEEDED[mode]}
    return Secrets(
        slack_token=found["SLACK_BOT_TOKEN"],
        slack_signing_secret=found.get("SLACK_SIGNING_SECRET", ""),
        github_token=found["HOLDPOINT_GITHUB_TOKEN"],
        slack_app_token=found.get("SLACK_APP_TOKEN", ""),
    )


def _secret(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    place = _WHERE_TO_FIND[variable]
    prefix = _PREFIXES.get(variable, "")
    if value.startswith(prefix) and value:
        return value
    state = "is not set" if variable not in environ else "is empty" if not value else ""
    state = state or f"does not begin with {prefix}"
    raise SettingsError(
        f"the environment variable {variable} {state}; its value is found under: {place}"
    )


def read_settings(path: Path, reserved: Callable[[str], bool]) -> Settings:
    """The settings in a file; nothing may have a `reserved` name. Raises SettingsError."""
    root = read_yaml(path)
    root.only(
        "version", "slack", "github", "registry", "environments", "targets", "roles", "identities"
    )
    root.constant("version", 1)
    slack, github = root.child("slack"), root.child("github")
    slack.only("teams", "apiUrl", "command", "mode")
    github.only("apiUrl", "check", "appId")
    registry = root.child("registry", optional=True)
    registry.only("insecure")
    teams = frozenset(slack.texts("teams", _TEAM, "workspace ids such as T0123ABCD", least=1))
    shared = reading.roles(root.child("roles", optional=root.has("environments")))
    places = reading.environments(
        root.child("environments", optional=True), teams, shared, reserved
    )
    humans = reading.identities(root.child("identities", optional=True))
    reading.check_authors(root, places, humans)
    return Settings(
        rules=Rules(teams, _everybodys(shared, places)),
        targets=reading.targets(root.child("targets"), places, reserved),
        github_app_id=github.whole("appId", least=1),
        github_check=github.text("check", None, "a check run's name", default="holdpoint"),
        github_api=github.text("apiUrl", _URL, "a URL", default=GITHUB_API).rstrip("/"),
        slack_api=slack.text("apiUrl", _URL, "a URL", default=SLACK_API).rstrip("/") + "/",
        slack_command=slack.text("command", _COMMAND, "such as /deploy", default="/deploy"),
        slack_mode=slack.one_of("mode", MODES, "http or socket", "http"),
        insecure_registries=frozenset(registry.texts("insecure", _HOST, "host:port")),
        environments=places,
        humans=humans,
    )


def _everybodys(
    shared: Mapping[Role, frozenset[str]], places: Mapping[str, Environment]
) -> Mapping[Role, frozenset[str]]:
    """For what is about no environment: whoever holds a role anywhere may at least ask for help."""
    own = [who for place in places.values() for who in place.rules.holders.values()]
    return {**shared, Role.VIEWER: shared[Role.VIEWER].union(*own)}
