"""The routers against the real CRDs on the real API server: what they write is valid, is kept as
written, is read back; and a weight edited by hand is put back by the controller, with an Event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rollouts import kube as rollouts_kube
from rollouts.traffic import AcceptanceState, Router, TrafficIntent, of
from rollouts.traffic.nginx import CANARY
from tests.cluster.installing import MD, NAME, is_established
from tests.cluster.rollout_bed import Bed, Images, model_deployment
from tests.testbed import binaries
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollouts.resources import Resource
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube

Json = dict[str, Any]
ALIAS, STABLE, CANDIDATE = "lending", "lending-11111111", "lending-22222222"
OWNED = frozenset({STABLE, CANDIDATE})
CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"


def intent(sequence: int, weight: int) -> TrafficIntent:
    weights = ((STABLE, 100 - weight), (CANDIDATE, weight))
    sizes = {STABLE: 3, CANDIDATE: 1}
    return TrafficIntent(sequence, weights, weight > 0, ALIAS, OWNED, sizes)


def virtual_service(name: str) -> Json:
    match = {"match": [{"headers": {"x-canary": {"exact": "always"}}}]}
    to = {"destination": {"host": ALIAS, "port": {"number": 8080}}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {
            "hosts": ["lending.test"],
            "http": [{**match, "route": [to]}, {"route": [to], "timeout": "3s"}],
        },
    }


def ingress(name: str) -> Json:
    service = {"name": ALIAS, "port": {"number": 8080}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": {CANARY: "true"}},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": "lending.test", "http": {"paths": [path]}}],
        },
    }


def shared_service(name: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {"holdpoint.dev/model-deployment": ALIAS},
            "ports": [{"port": 8080}],
        },
    }


def http_route(name: str) -> Json:
    match = {"path": {"type": "PathPrefix", "value": "/predict"}}
    refs = [{"name": ALIAS, "port": 8080}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "absent"}],
            "rules": [{"matches": [match], "backendRefs": refs}, {"backendRefs": refs}],
        },
    }


BESIDE = {"header": {"name": "x-canary", "value": "always"}, "mirror": {"percent": 10}}
CASES: dict[str, tuple[Json, Callable[[str], Json]]] = {
    "Istio": ({"istio": {"virtualService": "route"}}, virtual_service),
    "NGINX": ({"nginx": {"canaryIngress": "route"}}, ingress),
    "Replicas": ({"replicas": {"service": "route"}}, shared_service),
    "GatewayAPI": ({"gatewayAPI": {"httpRoute": "route", **BESIDE}}, http_route),
}


@pytest.fixture(scope="session")
def istio(control_plane: ControlPlane) -> None:
    """Istio's CRDs for virtual services, of the version in tests/testbed/go/istio."""
    kube = control_plane.kube()
    for crd in yaml.safe_load_all(binaries.istio_crds().read_text()):
        if crd and crd["spec"]["names"]["kind"] == "VirtualService":
            kube.apply(crd)
            kube.wait_until(CRD, crd["metadata"]["name"], is_established, "be served")


class Written:
    """One route on the API server, written the way the controller writes it."""

    def __init__(self, cluster: rollouts_kube.Cluster, namespace: str, router: Router) -> None:
        self._cluster, self._namespace, self.router = cluster, namespace, router

    @property
    def resource(self) -> Resource:
        return self.router.resource

    def read(self) -> Json:
        return self._cluster.get(self.resource, self._namespace, "route")

    def write(self, asked: TrafficIntent) -> Json:
        body = self.router.apply(self.read(), asked)
        stored = self._cluster.replace(self.resource, self._namespace, body)
        assert stored["spec"] == body["spec"], "the API server keeps every field as it was written"
        return stored

    def shows(self, asked: TrafficIntent) -> bool:
        return self.router.view(self.read(), asked.services).matches(asked)


@pytest.fixture(params=sorted(CASES))
def written(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    gateway: Gateway,
    istio: None,
    kube: Kube,
) -> Iterator[Written]:
    options, made = CASES[request.param]
    kube.create(made("route"))
    cluster = rollouts_kube.Cluster.connect(str(control_plane.kubeconfig))
    yield Written(cluster, kube.namespace, of({"type": request.param, **options}))
    cluster.close()


def test_what_is_written_is_valid_kept_and_read_back(written: Written) -> None:
    before = written.read()["spec"]
    for sequence, weight in enumerate((0, 25, 100, 25, 0), 1):
        asked = intent(sequence, weight)
        stored = written.write(asked)
        assert written.shows(asked), stored
        assert not written.shows(replace(asked, sequence=sequence + 1))
        again = written.router.apply(stored, asked)
        assert again == stored, "writing it again changes nothing"
        assert CANDIDATE in str(stored["spec"]) or weight < 25 or "selector" in before
    assert CANDIDATE not in str(written.read()["spec"]), "0 % leaves no way to it"


def test_a_route_is_accepted_where_nobody_answers(written: Written) -> None:
    written.write(intent(1, 25))
    accepted = written.router.view(written.read(), OWNED | {ALIAS}).accepted
    answers = written.router.type == "GatewayAPI"
    assert accepted.state is (AcceptanceState.PENDING if answers else AcceptanceState.ACCEPTED)


# The controller with a route that is not an HTTPRoute: nothing in it knows of one.

EDITS: dict[str, Json] = {
    "Istio": {"spec": {"http": [{"route": [{"destination": {"host": NAME}}]}]}},
    "Replicas": {"spec": {"selector": {"holdpoint.dev/revision": "nothing"}}},
    "NGINX": {
        "metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "50"}},
    },
}


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_a_weight_edited_by_hand_is_put_back_with_an_event(
    bed: Bed, images: Images, istio: None, kind: str
) -> None:
    options, made = CASES[kind]
    bed.kube.create(made("route"))
    bed.start_controller()
    spec: Json = {"start": "OnRequest", "traffic": {"type": kind, **options}}
    bed.kube.create(model_deployment(images.build("1"), **spec))
    first = str(bed.wait_stable("InitialRevision")["stable"]["name"])
    bed.ask("canary", "Canary", arguments={"image": images.build("2"), "weight": 25})
    status = bed.wait(lambda s: s.get("phase") == "Holding", "hold")
    candidate = status["candidate"]["name"]
    router = of(spec["traffic"])
    resource = router.resource
    path = f"{resource.api_version}/{resource.kind}"

    def weights() -> dict[str, int]:
        services = frozenset({NAME, first, candidate})
        return dict(router.view(bed.kube.get(path, "route"), services).weights)

    assert weights() == {first: 75, candidate: 25}
    bed.kube.patch(path, "route", EDITS[kind])
    wait_until(lambda: weights() == {first: 75, candidate: 25}, 20, "the route to be put back")
    bed.wait_event("RouteEdited")
    bed.wait(lambda s: s["writeSequence"] == s["confirmedSequence"], "confirm it")
    assert bed.kube.get(MD, NAME)["status"]["weight"] == {"asked": 25, "confirmed": 25}
