"""Can a stranger use, read or replace what the model does?

What it looks for
    Model files: what a pickle would import if it were loaded, listed without loading it. Secrets
    in the tree: private keys and tokens by their published formats. In the code: authentication
    (framework dependencies, JWT, API keys compared in constant time), authorisation, validation of
    inputs (pydantic, pandera, jsonschema, or by hand), TLS and encryption, an audit log. In
    manifests: JWT and mutual TLS, RBAC, authorization and network policies, TLS of gateways and
    ingresses; and what they open: Secrets with their values, privileged containers, host access,
    root, the default service account's token. In CI: scanning of dependencies, images and code,
    automatic updates.

Why
    A model file can be a program, an endpoint without a key answers everybody, and a token in the
    tree is public from the first clone.

How it is scored
    Authentication 0.3, authorisation 0.2, input validation 0.2, encryption 0.1, audit log 0.1,
    scanning 0.1; each once, by the first evidence. What is only declared is worth half. Passed at
    0.8, critical below 0.6. A model file that imports what no model needs, or a secret in the
    tree, is critical by itself. The pickle format alone is no accusation: isolation protects, and
    skops, ONNX and safetensors are the safer formats. Classes of other packages are named.

How to fix
    Every finding names the file. A secret that was committed is known: revoke it, then remove it.
    `examples/lending` shows a repository where nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import share
from checks.evidence import exposure, manifests, model_files, protection, secrets
from checks.evidence.pickle_names import Kind
from checks.items import missing, unreadable_finding
from checks.report import Evidence, Finding, Grade, Location, Severity, Verdict
from checks.scoring import declared, verdict

if TYPE_CHECKING:
    from checks.check import Check, Context
    from checks.config import Config
    from checks.evidence.model_files import ModelFile
    from checks.evidence.pickles import Pickles
    from checks.evidence.release import Defect
    from checks.evidence.secrets import Secret

NAME = "security"
SHOWN = 8  # names in one sentence


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: security:`."""

    passed_at: float = share(0.8)
    critical_below: float = share(0.6)


@dataclass(frozen=True)
class Item:
    """Something that gives points: what it is called, its worth, and what to do without it."""

    title: str
    worth: float
    fix: str


ITEMS: Mapping[str, Item] = {
    "authentication": Item(
        "authentication of callers",
        0.3,
        "ask for an API key, a JWT or mutual TLS before a prediction is made",
    ),
    "authorisation": Item(
        "limits on who may do what",
        0.2,
        "k8s/: add a NetworkPolicy, an AuthorizationPolicy or a role with few rights",
    ),
    "validation": Item(
        "validation of inputs",
        0.2,
        "check the fields and types of a request (pydantic, pandera, jsonschema) and refuse others",
    ),
    "encryption": Item(
        "encryption of traffic or data",
        0.1,
        "k8s/: give the Gateway or Ingress a TLS listener",
    ),
    "audit": Item(
        "an audit log",
        0.1,
        "write one line for each batch of predictions to a log named audit: who, when, how many",
    ),
    "scanning": Item(
        "scanning of dependencies or images",
        0.1,
        ".github/workflows/: run pip-audit or trivy, or add .github/dependabot.yml",
    ),
}


@dataclass(frozen=True)
class Gathered:
    """Evidence by item, and what is there and should not be."""

    found: Mapping[str, tuple[Evidence, ...]]
    defects: tuple[Defect, ...] = ()
    secrets: tuple[Secret, ...] = ()
    models: tuple[ModelFile, ...] = ()
    unreadable: tuple[Evidence, ...] = ()


class Security:
    """The check; see the module's text."""

    name = NAME
    title = "Security"
    settings: type[Any] = Settings
    needs = Needs.TREE
    items: Mapping[str, float] = {name: item.worth for name, item in ITEMS.items()}
    rules = ("secret", "model.*", "defect.*", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads code, manifests, CI and model files; loads nothing."""
        kubernetes = manifests.collect(context.repository)
        found: dict[str, list[Evidence]] = {}
        for item, evidence in (
            *protection.collect(context.repository),
            *exposure.facts(kubernetes),
        ):
            found.setdefault(item, []).append(evidence)
        return Gathered(
            found={item: tuple(each) for item, each in found.items()},
            defects=tuple(exposure.defects(kubernetes)),
            secrets=secrets.collect(context.repository),
            models=model_files.collect(context),
            unreadable=kubernetes.unreadable,
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once; an unsafe model and a secret are critical."""
        findings = [_item(name, evidence.found.get(name, ()), config) for name in ITEMS]
        findings += [_secret(each) for each in evidence.secrets]
        findings += [found for each in evidence.models for found in _model(each)]
        findings += [_defect(each) for each in evidence.defects]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        return verdict(NAME, findings, config.of(self), _message(findings))


CHECK: Check = Security()


def _item(name: str, found: tuple[Evidence, ...], config: Config) -> Finding:
    item, rule = ITEMS[name], f"{NAME}.{name}"
    if found:
        message = f"{item.title}: {found[0].why}"
        return Finding(
            rule, Grade.FOUND, Severity.INFO, message, item.worth, item.worth, found[0].where
        )
    declaration = config.declared(rule)
    if declaration is not None:
        return declared(rule, item.worth, declaration)
    severity = Severity.MAJOR if item.worth > 0.1 else Severity.MINOR
    message = f"not found: {item.title}"
    return Finding(rule, Grade.MISSING, severity, message, item.worth, 0.0, None, item.fix)


def _secret(each: Secret) -> Finding:
    path = each.where.path
    return Finding(
        f"{NAME}.secret", Grade.FOUND, Severity.CRITICAL, f"{path} holds {each.kind}",
        where=each.where, recommendation=f"{path}: revoke the secret, then remove it from the tree",
    )  # fmt: skip


def _model(each: ModelFile) -> Iterator[Finding]:
    where = Location(each.path)
    content = each.content
    if content is None:
        yield Finding(f"{NAME}.model.unread", Grade.MISSING, Severity.MAJOR,
                      f"not looked at: {each.why}", where=where)  # fmt: skip
        return
    if content.dangerous:
        said = f"{each.path} is a program, not only a model: loading it {_dangers(content)}"
        fix = f"{each.path}: do not load it; train the model anew and find out who wrote this file"
        yield Finding(f"{NAME}.model.unsafe", Grade.FOUND, Severity.CRITICAL, said, where=where,
                      recommendation=fix)  # fmt: skip
    if content.trouble is not None:
        said = f"{each.path} could not be looked through: {content.trouble}"
        fix = f"{each.path}: write the file anew"
        yield Finding(f"{NAME}.model.unreadable", Grade.FOUND, Severity.MAJOR, said, where=where,
                      recommendation=fix)  # fmt: skip
    unknown = content.of(Kind.UNKNOWN)
    if unknown:
        said = f"{each.path} imports what is not known here: {_names(tuple(map(str, unknown)))}"
        yield Finding(f"{NAME}.model.imports", Grade.FOUND, Severity.INFO, said, where=where)
    if content.streams and not content.dangerous:
        said = (
            f"{each.path} is a pickle with {len(content.imports)} imports, none of them dangerous; "
            "skops, ONNX and safetensors are safer, because loading them runs nothing"
        )
        yield Finding(f"{NAME}.model.format", Grade.FOUND, Severity.INFO, said, where=where)


def _dangers(content: Pickles) -> str:
    names = tuple(f"{each} (byte {each.offset})" for each in content.of(Kind.DANGEROUS))
    parts = [f"imports {_names(names)}"] if names else []
    return "; it ".join([*parts, *content.acts[:SHOWN]])


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(name[:120] for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _defect(each: Defect) -> Finding:
    return Finding(
        f"{NAME}.defect.{each.item}", Grade.FOUND, each.severity, each.message, where=each.where,
        recommendation=each.fix,
    )  # fmt: skip


def _message(findings: list[Finding]) -> str:
    critical = [each for each in findings if each.severity is Severity.CRITICAL]
    said = missing(findings, len(ITEMS))
    return f"{len(critical)} critical: {critical[0].message}; {said}" if critical else said
