"""What is made from something else is up to date: else `make docs`."""

from __future__ import annotations

import pytest
import yaml

from rollouts import traffic
from tests.deploy import generate

MADE = generate.chart_files()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_the_charts_own_files_are_those_of_deploy(path: object) -> None:
    assert path in MADE
    found = next(each for each in MADE if each == path)
    assert found.read_text() == MADE[found], "run make docs"


def test_the_chart_holds_no_other_files() -> None:
    assert {path for path in generate.FILES.rglob("*") if path.is_file()} == set(MADE)


def test_the_plain_manifests_are_the_charts() -> None:
    assert generate.MANIFESTS.read_text() == generate.manifests(), "run make docs"


def test_core_and_routers_are_the_whole_role_and_nothing_twice() -> None:
    rules = generate.controller_rules()
    written = generate.cluster_role("controller.yaml")
    together = [*rules["core"], *(each for more in rules["routers"].values() for each in more)]
    assert sorted(map(str, together)) == sorted(map(str, written))


def test_every_routers_needs_are_met_by_core_and_its_own_rules() -> None:
    rules = generate.controller_rules()
    for name, router in traffic.routers().items():
        granted = [*rules["core"], *rules["routers"][name]]
        for permission in router.permissions:
            needed = generate.rule(permission)
            assert any(generate.covers(rule, needed) for rule in granted), (name, needed)


def test_the_manifests_are_yaml_with_an_image_and_no_word_of_helm() -> None:
    text = generate.MANIFESTS.read_text()
    assert "helm" not in text.lower().replace("helm.sh/resource-policy", "")
    kinds = [manifest["kind"] for manifest in yaml.safe_load_all(text)]
    assert kinds[0] == "Namespace"
    assert {"Deployment", "ClusterRole", "NetworkPolicy", "ValidatingAdmissionPolicy"} <= set(kinds)
