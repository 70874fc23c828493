"""What is made from something else under deploy/: `python -m tests.deploy.generate` writes it.

- deploy/chart/files: the CRDs, alert rules and dashboard (Helm reads nothing outside a chart), and
  the rules of RBAC: those of deploy/rbac, and for each router what it declares itself;
- deploy/manifests: the chart with its defaults but for the CRDs, for people without Helm.

Run by `make docs`; `test_generated` compares. It lives among the tests because Helm does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rollouts import traffic
from tests.testbed import binaries, modules

if TYPE_CHECKING:
    from rollouts.traffic import Permission

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
FILES = CHART / "files"
MANIFESTS = DEPLOY / "manifests" / "holdpoint.yaml"
NAMESPACE = "holdpoint-system"
HEADER = "# Made by `make docs` from {}; edit that.\n"
# What only Helm writes into objects.
HELMS = re.compile(r"^ *(app\.kubernetes\.io/managed-by|helm\.sh/[a-z-]+): .*\n", re.MULTILINE)
PLACE = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
"""


def rule(permission: Permission) -> Json:
    """A rule of RBAC for what a router says that it needs."""
    return {
        "apiGroups": [permission.group],
        "resources": [permission.resource],
        "verbs": list(permission.verbs),
    }


def controller_rules() -> Json:
    """`core`: what every controller needs; `routers`: what each adds to that."""
    written = cluster_role("controller.yaml")
    declared = {name: [rule(p) for p in r.permissions] for name, r in traffic.routers().items()}
    every = [each for rules in declared.values() for each in rules]
    core = [each for each in written if each not in every]
    added = {
        name: [each for each in rules if not any(covers(other, each) for other in core)]
        for name, rules in sorted(declared.items())
    }
    return {"core": core, "routers": added}


def covers(wide: Json, narrow: Json) -> bool:
    """Whether everything that one rule allows is allowed by the other."""
    return all(set(narrow[key]) <= set(wide[key]) for key in narrow)


def cluster_role(file: str) -> list[Json]:
    """The rules of the ClusterRole in a file of deploy/rbac."""
    for manifest in yaml.safe_load_all((DEPLOY / "rbac" / file).read_text()):
        if manifest["kind"] == "ClusterRole":
            rules: list[Json] = manifest["rules"]
            return rules
    raise LookupError(f"deploy/rbac/{file} holds no ClusterRole")


def helm(*arguments: str) -> str:
    """What Helm prints. Raises CalledProcessError with its words."""
    done = subprocess.run(
        [binaries.helm(), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError(f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def rendered(*arguments: str, release: str = "holdpoint") -> str:
    """The chart's manifests, without hooks."""
    place = ("--namespace", NAMESPACE, "--kube-version", kube_version())
    return helm("template", release, str(CHART), *place, "--no-hooks", *arguments)


def kube_version() -> str:
    """The version to render for: that of the test cluster."""
    return modules.CONTROL_PLANE.version()


def chart_files() -> dict[Path, str]:
    """deploy/chart/files."""
    made = {
        FILES / "holdpoint.rules.yaml": (DEPLOY / "prometheus/holdpoint.rules.yaml").read_text(),
        FILES / "holdpoint.dashboard.json": (
            DEPLOY / "grafana/holdpoint.dashboard.json"
        ).read_text(),
    }
    for path in sorted((DEPLOY / "crds").glob("*.yaml")):
        made[FILES / "crds" / path.name] = path.read_text()
    made[FILES / "controller-rules.yaml"] = HEADER.format(
        "deploy/rbac/controller.yaml and rollouts/traffic"
    ) + yaml.safe_dump(controller_rules(), sort_keys=False)
    made[FILES / "bot-rules.yaml"] = HEADER.format("deploy/rbac/bot.yaml") + yaml.safe_dump(
        {"core": cluster_role("bot.yaml")}, sort_keys=False
    )
    return made


def manifests() -> str:
    """deploy/manifests/holdpoint.yaml, from the chart as it is on disk."""
    # Without Helm nothing runs before the objects are removed, so nobody needs an account for that;
    # and deploy/crds can be applied as it is.
    without = "--set=stopBeforeUninstall.enabled=false,crds.install=false"
    text = HELMS.sub("", rendered(without))
    return HEADER.format("deploy/chart") + PLACE + text.removeprefix("---\n")


def main() -> int:
    """Writes everything."""
    for path, text in chart_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    MANIFESTS.parent.mkdir(exist_ok=True)
    MANIFESTS.write_text(manifests())
    return 0


if __name__ == "__main__":
    sys.exit(main())
