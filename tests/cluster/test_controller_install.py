"""What the API server refuses by the schemas of deploy/crds, and what the accounts may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.installing import MD, NAME, RR, SYSTEM
from tests.cluster.rollout_bed import model_deployment
from tests.testbed.api import ApiError

if TYPE_CHECKING:
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube

Json = dict[str, Any]
IMAGE = f"registry.test/acme/lending@sha256:{'0' * 64}"
pytestmark = pytest.mark.usefixtures("installed")


def request(**spec: Any) -> Json:
    return {
        "apiVersion": "holdpoint.dev/v1alpha1",
        "kind": "RolloutRequest",
        "metadata": {"name": "ask"},
        "spec": {"target": NAME, "verb": "Promote", "requestedBy": {"id": "x"}, **spec},
    }


def canary(*weights: int) -> Json:
    return {"strategy": {"canary": {"steps": [{"weight": weight} for weight in weights]}}}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"image": "registry.test/acme/lending:latest"}, "must be named by its digest"),
        (canary(25, 10), "must rise"),
        (canary(25, 25), "must rise"),
        (canary(101), "less than or equal to 100"),
        (canary(0), "greater than or equal to 1"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"gates": {"request": "Maybe"}}, "Unsupported value"),
        ({"analysis": {"alpha": "one"}}, "should match"),
        ({"traffic": None}, "Required value"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(kube: Kube, spec: Json, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        kube.create(model_deployment(**{"image": IMAGE, **spec}))
    assert said in refused.value.message


@pytest.mark.parametrize("name", ["a" * 55, "1st", "a.b"])
def test_a_name_that_no_service_can_have_is_refused(kube: Kube, name: str) -> None:
    with pytest.raises(ApiError, match="DNS label"):
        kube.create({**model_deployment(IMAGE), "metadata": {"name": name}})


def test_the_traffic_cannot_be_changed(kube: Kube) -> None:
    kube.create(model_deployment(IMAGE))
    with pytest.raises(ApiError, match="traffic cannot be changed"):
        kube.patch(MD, NAME, {"spec": {"traffic": {"gatewayAPI": {"httpRoute": "other"}}}})


def test_options_of_a_strategy_yet_to_come_are_kept(kube: Kube) -> None:
    strategy = {"type": "Magic", "magic": {"wand": 1}}
    made = kube.create(model_deployment(IMAGE, strategy=strategy))
    assert made["spec"]["strategy"]["magic"] == {"wand": 1}


def test_a_request_cannot_be_changed_nor_taken_up_again(kube: Kube) -> None:
    kube.create(request())
    with pytest.raises(ApiError, match="a request cannot be changed"):
        kube.patch(RR, "ask", {"spec": {"verb": "RollBack"}})
    kube.patch(RR, "ask", {"status": {"phase": "Refused"}}, subresource="status")
    with pytest.raises(ApiError, match="stays so"):
        kube.patch(RR, "ask", {"status": {"phase": "Pending"}}, subresource="status")


def test_a_canary_request_names_its_image(kube: Kube) -> None:
    with pytest.raises(ApiError, match=r"must name arguments\.image"):
        kube.create(request(verb="Canary"))


def test_the_bot_asks_and_does_nothing_else(control_plane: ControlPlane, kube: Kube) -> None:
    kube.create(model_deployment(IMAGE))
    account = control_plane.service_account_kubeconfig(SYSTEM, "holdpoint-bot")
    bot = type(kube).from_kubeconfig(account, kube.namespace)
    bot.create(request())
    assert bot.get(MD, NAME)
    assert len(bot.list(RR)) == 1
    for attempt in (
        lambda: bot.patch(MD, NAME, {"spec": {"replicas": 9}}),
        lambda: bot.patch(MD, NAME, {"status": {"phase": "Stable"}}, subresource="status"),
        lambda: bot.patch(RR, "ask", {"metadata": {"annotations": {"a": "b"}}}),
        lambda: bot.patch(RR, "ask", {"status": {"phase": "Done"}}, subresource="status"),
        lambda: bot.delete(RR, "ask"),
        lambda: bot.list("v1/Secret"),
        lambda: bot.list("v1/Pod"),
    ):
        with pytest.raises(ApiError) as refused:
            attempt()
        assert refused.value.status == 403


def test_the_controller_may_not_read_secrets_nor_ask(
    control_plane: ControlPlane, kube: Kube
) -> None:
    account = control_plane.service_account_kubeconfig(SYSTEM, "holdpoint-controller")
    controller = type(kube).from_kubeconfig(account, kube.namespace)
    for attempt in (
        lambda: controller.list("v1/Secret"),
        lambda: controller.create(request()),
        lambda: controller.create(model_deployment(IMAGE)),
    ):
        with pytest.raises(ApiError) as refused:
            attempt()
        assert refused.value.status == 403
