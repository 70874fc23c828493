"""bot.yaml and the secrets: what is good is read, anything else stops with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.policy import Role
from bot.settings import SettingsError, read_secrets, read_settings

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
version: 1
slack: {teams: [T0001]}
github: {appId: 123}
registry: {insecure: ["127.0.0.1:5000"]}
targets:
  lending:
    namespace: prod
    repository: acme/lending
    image: 127.0.0.1:5000/acme/lending
    tag: "v-{commit}"
    modelPath: /model/model.joblib
    channels: [C1]
    minimumScore: 0.85
    evidenceMaxAgeHours: 24
roles: {deployer: {users: [U1]}, viewer: {users: ["*"]}}
"""
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "very-secret",
    "HOLDPOINT_GITHUB_TOKEN": "ghs-1",
}


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "bot.yaml"
    path.write_text(text)
    return read_settings(path, lambda name: name == "canary")


def test_good_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(GOOD)
    settings = read_settings(path, lambda _: False)
    target = settings.targets["lending"]
    assert target.tag_for("abc") == "v-abc"
    assert (target.minimum_score, target.evidence_max_age.total_seconds()) == (0.85, 86400)
    assert settings.rules.holders[Role.DEPLOYER] == {"U1"}
    assert settings.rules.holders[Role.ADMIN] == frozenset()
    assert settings.default_target("C1") == "lending"
    assert settings.default_target("C2") is None
    assert settings.slack_api == "https://slack.com/api/"
    assert settings.github_api == "https://api.github.com"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("teams", "team", "slack: unknown key 'team'; did you mean 'teams'?"),
        ("appId", "app_id", "github: unknown key 'app_id'; did you mean 'appId'?"),
        ("minimumScore", "minScore", "targets: lending: unknown key 'minScore'"),
        ("deployer", "deploy", "roles: unknown key 'deploy'; did you mean 'deployer'?"),
        ("version: 1", "version: 2", "version: expected 1"),
        ("version: 1", "version: 1\nversion: 1", "'version' stands there twice"),
        ("teams: [T0001]", "teams: []", "slack: teams: expected a list of workspace ids"),
        ("T0001", "acme", "found 'acme'"),
        ("appId: 123", 'appId: "123"', "appId: expected a whole number"),
        ("appId: 123", "appId: true", "appId: expected a whole number"),
        ("acme/lending\n    image", "lending\n    image", "repository: expected owner/name"),
        ("127.0.0.1:5000/acme/lending", "acme:latest", "image: expected host/name"),
        ("v-{commit}", "latest", "tag: expected a tag that holds {commit}"),
        ("v-{commit}", "{commit}-{branch}", "tag: expected a tag that holds {commit} once"),
        ("/model/model.joblib", "model.joblib", "modelPath: expected an absolute path"),
        ("0.85", "85", "minimumScore: expected a number above 0 and at most 1"),
        ("0.85", ".nan", "minimumScore: expected a number above 0 and at most 1"),
        ("24", "0", "evidenceMaxAgeHours: expected a number above 0"),
        ("[U1]", "[ada]", "roles: deployer: users: expected a list of user ids"),
        ("  lending:", "  canary:", "targets: canary: expected another name"),
        ("  lending:", "  Lending:", "targets: Lending: expected a ModelDeployment's name"),
        ("namespace: prod", "", "namespace: expected a namespace, and it is missing"),
        ("slack: {", "slack: [", "is not YAML"),
        (GOOD, "- 1", "a mapping was expected"),
    ],
)
def test_a_mistake_stops_with_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_stops_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        read_settings(tmp_path / "none.yaml", lambda _: False)


@pytest.mark.parametrize("variable", SECRETS)
@pytest.mark.parametrize(
    ("value", "state"), [(None, "is not set"), ("", "is empty"), (" ", "is em")]
)
def test_a_missing_secret_stops_and_says_where_it_is_found(
    variable: str, value: str | None, state: str
) -> None:
    environ = {key: text for key, text in SECRETS.items() if key != variable}
    with pytest.raises(SettingsError) as caught:
        read_secrets(environ if value is None else {**environ, variable: value})
    assert f"{variable} {state}" in str(caught.value)
    assert "found under" in str(caught.value)


def test_secrets_are_not_printed() -> None:
    assert "very-secret" not in repr(read_secrets(SECRETS))
