"""Reads the parts of bot.yaml that are lists of things: roles, environments, targets, people.

Called by `bot.settings` with the nodes of those parts. Strict: see there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo, available_timezones

from bot.places import COMMIT_PLACE, ApprovalRule, Environment, Target, WeakScore
from bot.policy import EVERYONE, Role, Rules
from bot.windows import DAYS, Window
from bot.yamlfile import Node, nearest

_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
_USER_OR_ALL = re.compile(rf"{_USER.pattern}|{re.escape(EVERYONE)}")
_GROUP = re.compile(r"S[A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,20}")
_GITHUB_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:\[bot\])?")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?")
_TARGET = re.compile(r"[a-z](?:[a-z0-9-]{0,52}[a-z0-9])?")  # as the ModelDeployment's schema has it
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_IMAGE = re.compile(r"(?P<host>[a-z0-9.-]+(?::\d{1,5})?)/(?P<name>[a-z0-9._-]+(?:/[a-z0-9._-]+)*)")
_TAG = re.compile(r"[A-Za-z0-9_{][A-Za-z0-9._{}-]{0,100}")
_PATH = re.compile(r"/[^\x00-\x1f]{1,500}")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = re.compile("|".join(DAYS))
MOST_ENVIRONMENTS, MOST_WINDOWS = 20, 50

Reserved = Callable[[str], bool]


def roles(node: Node) -> Mapping[Role, frozenset[str]]:
    """`role: {users, groups, channels}`; a role that is missing is held by nobody."""
    node.only(*(role.value for role in Role))
    holders = {}
    for role in Role:
        entry = node.child(role.value, optional=True)
        entry.only("users", "groups", "channels")
        users = entry.texts("users", _USER_OR_ALL, "user ids such as U0123ABCD, or *")
        groups = entry.texts("groups", _GROUP, "user group ids such as S0123ABCD")
        channels = entry.texts("channels", _CHANNEL, "channel ids such as C0123ABCD")
        holders[role] = frozenset((*users, *groups, *channels))
    return holders


def environments(
    node: Node, teams: frozenset[str], shared: Mapping[Role, frozenset[str]], reserved: Reserved
) -> Mapping[str, Environment]:
    """In the file's order. Without any there is one that has no name."""
    if not node.names():
        return {"": Environment("", Rules(teams, shared))}
    if len(node.names()) > MOST_ENVIRONMENTS:
        raise node.wrong(f"at most {MOST_ENVIRONMENTS} environments")
    found: dict[str, Environment] = {}
    for name in node.names():
        made = _environment(name, node.child(name), (teams, shared), found, reserved)
        for other in found.values():
            if _spot(other) == _spot(made):
                raise node.wrong(f"another cluster or namespace than {other.name!r} has", name)
        found[name] = made
    return found


def _spot(place: Environment) -> tuple[str | None, str | None, str]:
    return place.kubeconfig, place.context, place.namespace


def _environment(
    name: str,
    node: Node,
    common: tuple[frozenset[str], Mapping[Role, frozenset[str]]],
    above: Mapping[str, Environment],
    reserved: Reserved,
) -> Environment:
    node.only(
        "kubeconfig", "context", "namespace", "after", "channels", "roles", "approvals", "closed",
        "weakScore",
    )  # fmt: skip
    if not _NAME.fullmatch(name):
        raise node.wrong("an environment's name: lower-case letters, digits and hyphens")
    if reserved(name):
        raise node.wrong("another name: this one would be read as a verb, a weight or a commit")
    after = node.one_of("after", above.keys(), "an environment that stands above this one", "")
    teams, shared = common
    own = roles(node.child("roles")) if node.has("roles") else shared
    return Environment(
        name=name,
        rules=Rules(teams, own),
        kubeconfig=node.text("kubeconfig", None, "a path", default="") or None,
        context=node.text("context", None, "a context of the kubeconfig", default="") or None,
        namespace=node.text("namespace", _DNS_LABEL, "a namespace"),
        after=after,
        channels=frozenset(node.texts("channels", _CHANNEL, "channel ids such as C0123ABCD")),
        approvals=_approvals(node.child("approvals", optional=True)),
        windows=tuple(_window(item) for item in node.children("closed")[:MOST_WINDOWS]),
        weak=_weak(node.child("weakScore")) if node.has("weakScore") else None,
    )


def _approvals(node: Node) -> ApprovalRule:
    node.only("required", "author", "above", "minutes")
    return ApprovalRule(
        required=node.whole("required", 0, 10, 0),
        author=node.flag("author", default=False),
        above=node.whole("above", 0, 100, 0),
        lifetime=timedelta(minutes=node.whole("minutes", 1, 24 * 60, 60)),
    )


def _weak(node: Node) -> WeakScore:
    node.only("below", "firstWeight", "bakeSeconds")
    return WeakScore(
        below=node.number("below", above=0, most=1, default=0.9),
        first_weight=node.whole("firstWeight", 1, 99, 10),
        bake_s=node.whole("bakeSeconds", 0, 30 * 86_400, 3600),
    )


def _window(node: Node) -> Window:
    node.only("name", "days", "from", "to", "dates", "timezone")
    zone = node.one_of(
        "timezone", available_timezones(), "a time zone such as Europe/Berlin", "UTC"
    )
    name = node.text("name", None, "a name for people")
    if node.has("dates"):
        first, last = _dates(node)
        return Window(name, ZoneInfo(zone), first=first, last=last)
    days = node.texts("days", _DAY, f"days out of {', '.join(DAYS)}, or dates: [first, last]", 1)
    return Window(
        name,
        ZoneInfo(zone),
        frozenset(DAYS.index(day) for day in days),
        _minutes(node, "from", "00:00"),
        _minutes(node, "to", "24:00"),
    )


def _dates(node: Node) -> tuple[date, date]:
    expected = 'two dates in quotes, such as ["2026-12-20", "2027-01-03"]'
    found = node.texts("dates", _DATE, expected, 2)
    try:
        first, last = (date.fromisoformat(text) for text in found)
    except ValueError as error:
        raise node.wrong(expected, "dates") from error
    if last < first:
        raise node.wrong("a last date that is not before the first", "dates")
    return first, last


def _minutes(node: Node, key: str, default: str) -> int:
    text = node.text(key, _CLOCK, 'a time in quotes, such as "16:00"', default)
    minutes = int(text[:2]) * 60 + int(text[3:])
    if minutes > 24 * 60:
        raise node.wrong('a time in quotes from "00:00" to "24:00"', key)
    return minutes


def identities(node: Node) -> Mapping[str, str]:
    """`name: {slack: [U..], github: [login]}` as `slack:U..` or `github:login` -> name."""
    found: dict[str, str] = {}
    for name in node.names():
        person = node.child(name)
        person.only("slack", "github")
        accounts = [f"slack:{user}" for user in person.texts("slack", _USER, "user ids")]
        logins = person.texts("github", _GITHUB_LOGIN, "GitHub user names")
        for account in (*accounts, *(f"github:{login.lower()}" for login in logins)):
            if account in found:
                raise person.wrong(f"accounts of one person only; {account} is {found[account]!r}")
            found[account] = name
    return found


def check_authors(root: Node, places: Mapping[str, Environment], humans: Mapping[str, str]) -> None:
    """Keeping a commit's author from approving it needs to know who is who."""
    for place in places.values():
        asks = place.approvals.required and not place.approvals.author
        if asks and not any(account.startswith("github:") for account in humans):
            raise root.wrong(
                f"people with their slack and github accounts: approvals in {place.name!r} are "
                "not for a commit's author (or say there: author: true)",
                "identities",
            )


def targets(
    node: Node, places: Mapping[str, Environment], reserved: Reserved
) -> Mapping[str, Target]:
    """At least one."""
    found = {name: _target(name, node.child(name), places, reserved) for name in node.names()}
    if not found:
        raise node.wrong("at least one target")
    return found


def _target(name: str, node: Node, places: Mapping[str, Environment], reserved: Reserved) -> Target:
    node.only(
        "namespace", "repository", "image", "tag", "modelPath", "channels", "minimumScore",
        "evidenceMaxAgeHours", "environments",
    )  # fmt: skip
    if not _TARGET.fullmatch(name):
        raise node.wrong("a ModelDeployment's name: lower-case letters, digits and hyphens")
    if reserved(name) or name in places:
        raise node.wrong(
            "another name: this one would be read as a verb, a weight, a commit or an environment"
        )
    tag = node.text("tag", _TAG, f"a tag that holds {COMMIT_PLACE}", default=COMMIT_PLACE)
    if tag.count(COMMIT_PLACE) != 1 or "{" in tag.replace(COMMIT_PLACE, ""):
        raise node.wrong(f"a tag that holds {COMMIT_PLACE} once, and no other brace", "tag")
    hours = node.number("evidenceMaxAgeHours", above=0, most=24 * 366, default=168)
    return Target(
        name=name,
        namespace=_namespace(node, places),
        repository=node.text("repository", _REPOSITORY, "owner/name"),
        image=node.text("image", _IMAGE, "host/name without a tag, the host spelt out"),
        tag=tag,
        model_path=node.text("modelPath", _PATH, "an absolute path in the image"),
        channels=frozenset(node.texts("channels", _CHANNEL, "channel ids such as C0123ABCD")),
        minimum_score=node.number("minimumScore", above=-1e-9, most=1, default=0.8),
        evidence_max_age=timedelta(hours=hours),
        environments=_environments_of(node, places),
    )


def _namespace(node: Node, places: Mapping[str, Environment]) -> str:
    """A target's own only where there are no environments, which have theirs."""
    if "" in places:
        return node.text("namespace", _DNS_LABEL, "a namespace")
    if node.has("namespace"):
        raise node.wrong("no namespace here: each environment names its own", "namespace")
    return ""


def _environments_of(node: Node, places: Mapping[str, Environment]) -> frozenset[str]:
    """Where the target may be put: everywhere, unless it says otherwise."""
    named = node.texts("environments", _NAME, "environments")
    for name in named:
        if name not in places:
            hint = nearest(name, [place for place in places if place])
            raise node.wrong(
                f"environments that are declared, found {name!r}; {hint}", "environments"
            )
    return frozenset(named or places)
