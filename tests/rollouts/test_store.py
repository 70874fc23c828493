"""The store: never older than what it has seen, never behind what we wrote."""

from __future__ import annotations

from typing import Any

from rollouts import kube
from rollouts.controller.store import Store

TARGET = ("prod", "lending")


def pod(name: str, version: int, target: str = "lending") -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "prod",
            "name": name,
            "resourceVersion": str(version),
            "labels": {"holdpoint.dev/model-deployment": target},
        }
    }


def test_an_older_event_does_not_undo_a_newer_write() -> None:
    store = Store()
    assert store.put(kube.PODS, pod("a", 10))
    assert not store.put(kube.PODS, pod("a", 9))
    assert not store.put(kube.PODS, pod("a", 10)), "seen already"
    assert store.put(kube.PODS, pod("a", 11)), "numbers are compared as numbers"
    store.remove(kube.PODS, pod("a", 10))
    assert store.get(kube.PODS, "prod", "a") is not None, "a newer one of that name exists"


def test_objects_are_found_by_whom_they_belong_to() -> None:
    store = Store()
    store.put(kube.PODS, pod("b", 1))
    store.put(kube.PODS, pod("a", 2))
    store.put(kube.PODS, pod("c", 3, target="other"))
    assert [p["metadata"]["name"] for p in store.belonging(kube.PODS, TARGET)] == ["a", "b"]
    store.put(kube.PODS, pod("b", 4, target="other"))
    assert [p["metadata"]["name"] for p in store.belonging(kube.PODS, TARGET)] == ["a"]


def test_requests_belong_to_their_target() -> None:
    store = Store()
    store.put(
        kube.ROLLOUT_REQUESTS,
        {
            "metadata": {"namespace": "prod", "name": "r", "resourceVersion": "1"},
            "spec": {"target": "lending"},
        },
    )
    assert len(store.belonging(kube.ROLLOUT_REQUESTS, TARGET)) == 1


def test_a_list_says_what_is_gone_and_what_is_new() -> None:
    store = Store()
    store.put(kube.PODS, pod("gone", 1))
    store.put(kube.PODS, pod("same", 2))
    changed = store.replace_all(kube.PODS, [pod("same", 2), pod("new", 3)])
    assert [obj["metadata"]["name"] for obj in changed] == ["gone", "new"]
    assert store.get(kube.PODS, "prod", "gone") is None


def test_an_approval_belongs_to_the_target_that_it_is_bound_to() -> None:
    store = Store()
    made = {
        "metadata": {"namespace": "prod", "name": "a"},
        "spec": {"bound": {"target": "lending"}},
    }
    store.put(kube.ROLLOUT_APPROVALS, made)
    assert store.belonging(kube.ROLLOUT_APPROVALS, TARGET) == [made]
