"""bot.yaml and the secrets: what is good is read, anything else stops with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.policy import Person, Role
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


PLACES = """
version: 1
slack: {teams: [T0001], mode: socket}
github: {appId: 123}
environments:
  staging:
    context: kind-staging
    namespace: models
    channels: [C2]
    roles: {deployer: {groups: [S1]}}
  prod:
    context: kind-prod
    namespace: models
    after: staging
    approvals: {required: 2, above: 10, minutes: 30}
    weakScore: {below: 0.9, firstWeight: 5}
    closed:
      - {name: weekend, days: [sat, sun], timezone: Europe/Berlin}
      - {name: year's end, dates: ["2026-12-20", "2027-01-03"]}
    roles:
      deployer: {channels: [C9]}
      approver: {users: [U5]}
targets:
  lending:
    repository: acme/lending
    image: 127.0.0.1:5000/acme/lending
    modelPath: /model/model.joblib
identities:
  ada: {slack: [U1, U7], github: [Ada-L]}
"""


def test_environments_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(PLACES)
    settings = read_settings(path, lambda _: False)
    staging, prod = settings.environments.values()
    assert (prod.after, prod.context, prod.approvals.required) == ("staging", "kind-prod", 2)
    assert [window.name for window in prod.windows] == ["weekend", "year's end"]
    assert staging.rules.collective == {"S1"}
    assert prod.rules.collective == {"C9"}
    assert settings.default_environment("C2") == "staging"
    assert settings.default_environment("C1") is None
    assert [place.label for place in settings.places()] == ["lending in staging", "lending in prod"]
    assert settings.place("lending", "prod").namespace == "models"
    assert settings.slack_mode == "socket"
    ada = settings.known(Person("T0001", "U7", "Ada"))
    assert ada.human == "ada"
    assert ada.logins == {"ada-l"}
    assert staging.fingerprint != prod.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("after: staging", "after: stagin", ":14: environments: prod: after: expected an "),
        ("after: staging", "after: stagin", "did you mean 'staging'?"),
        ("after: staging", "after: prod", "known are staging"),
        ("required: 2", "require: 2", ":15: environments: prod: approvals: unknown key 'require'"),
        ("required: 2", "required: 11", "at least 0 and at most 10"),
        ("groups: [S1]", "group: [S1]", "did you mean 'groups'?"),
        ("groups: [S1]", "groups: [U1]", "user group ids such as S0123ABCD, found 'U1'"),
        ("channels: [C9]", "channels: [prod]", "found 'prod'"),
        ("Europe/Berlin", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("days: [sat, sun]", "days: [satu]", "closed: 1: days: expected a list of days"),
        ('"2027-01-03"', '"2026-01-03"', "a last date that is not before the first"),
        ('"2027-01-03"', '"2027-02-30"', "two dates in quotes"),
        ("context: kind-prod", "context: kind-staging", "another cluster or namespace than"),
        ("mode: socket", "mode: sockets", "did you mean 'socket'?"),
        ("    repository:", "    namespace: x\n    repository:", "each environment names its own"),
        ("    repository:", "    environments: [prd]\n    repository:", "did you mean 'prod'?"),
        ("github: [Ada-L]", "slack2: [U1]", "identities: ada: unknown key 'slack2'"),
        ("github: [Ada-L]", "github: []", "are not for a commit's author"),
        ("  ada: {", "  bob: {slack: [U1]}\n  ada: {", "slack:U1 is 'bob'"),
        ("  lending:", "  prod:", "would be read as a verb, a weight, a commit or an environment"),
        ("  staging:", "  canary:", "environments: canary: expected another name"),
        ("  staging:", "  ? [a]\n  : b\n  staging:", "a key is not plain text"),
    ],
)
def test_a_wrong_environment_is_one_sentence_with_file_and_line(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in PLACES
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, PLACES.replace(old, new, 1))
    assert sentence in str(caught.value)
    assert "bot.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_socket_mode_needs_an_app_token_and_no_signing_secret() -> None:
    socket = {**SECRETS, "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": ""}
    assert read_secrets(socket, "socket").slack_app_token == "xapp-1"
    with pytest.raises(SettingsError, match="does not begin with xapp-"):
        read_secrets({**socket, "SLACK_APP_TOKEN": "xoxb-1"}, "socket")
