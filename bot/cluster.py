"""The edge to Kubernetes: reads ModelDeployments, creates RolloutRequests and RolloutApprovals.

Called by the verbs and by the watcher of live messages. It creates those two and nothing else, and
changes nothing. Errors leave as Refused; what the cluster says decides nothing here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.escape import code, escaped
from bot.notes import message_of
from bot.refusals import Refusal, Refused, refuse
from rollouts.jsontypes import JsonObject, dig, dig_text, name_of
from rollouts.kube import (
    MODEL_DEPLOYMENTS,
    ROLLOUT_APPROVALS,
    ROLLOUT_REQUESTS,
    AlreadyExists,
    Cluster,
    ClusterError,
    Forbidden,
    NotFound,
)

if TYPE_CHECKING:
    from bot.places import Target
    from rollouts.resources import Resource

CREATE_TRIES = 3


@dataclass(frozen=True)
class Snapshot:
    """The three kinds of objects of one namespace, read one after the other."""

    deployments: tuple[JsonObject, ...]
    requests: tuple[JsonObject, ...]
    approvals: tuple[JsonObject, ...] = ()


class Clusters:
    """The clusters of the environments, by name. Safe to share between threads.

    It creates requests and approvals and nothing else. Methods raise Refused, but for `snapshot`.
    """

    def __init__(self, clusters: Mapping[str, Cluster]) -> None:
        self._clusters = clusters

    def deployment(self, target: Target) -> JsonObject:
        """The target's ModelDeployment."""
        try:
            return self._of(target).get(MODEL_DEPLOYMENTS, target.namespace, target.name)
        except NotFound as error:
            raise refuse(
                Refusal.TARGET_NOT_FOUND,
                f"The cluster has no ModelDeployment {code(target.name)} in the namespace "
                f"{code(target.namespace)}.",
                who="Whoever may apply manifests there.",
                then="Apply the ModelDeployment first, or correct the target in bot.yaml.",
            ) from error
        except ClusterError as error:
            raise _unavailable(error) from error

    def request(self, target: Target, name: str) -> JsonObject | None:
        """One request, or None."""
        return self._find(ROLLOUT_REQUESTS, target, name)

    def approval(self, target: Target, name: str) -> JsonObject | None:
        """One approval, or None."""
        return self._find(ROLLOUT_APPROVALS, target, name)

    def requests(self, target: Target) -> tuple[JsonObject, ...]:
        """Every request of the target's namespace."""
        return self._list(ROLLOUT_REQUESTS, target)

    def approvals(self, target: Target) -> tuple[JsonObject, ...]:
        """Every approval of the target's namespace."""
        return self._list(ROLLOUT_APPROVALS, target)

    def create(self, target: Target, body: JsonObject) -> bool:
        """Creates the request; False when one of that name, but another's, is there already.

        An answer that was lost is asked for again: the name is fixed and the message that the
        request points at tells whether the one that exists is this very one. A cluster whose
        schema lacks a field refuses the request rather than carrying out half of it.
        """
        return self._create(ROLLOUT_REQUESTS, target, body, self.request)

    def approve(self, target: Target, body: JsonObject) -> bool:
        """Creates the approval; False when its author's is there already."""
        return self._create(ROLLOUT_APPROVALS, target, body, self.approval)

    def snapshot(self, environment: str, namespace: str) -> Snapshot:
        """Raises ClusterError: the watcher, its only caller, comes again by itself."""
        cluster = self._clusters[environment]
        # Requests first: a deployment read later is never older than what a request says of it.
        requests = cluster.list(ROLLOUT_REQUESTS, namespace).items
        gated = any(dig(request, "spec", "approvals") for request in requests)
        approvals = cluster.list(ROLLOUT_APPROVALS, namespace).items if gated else ()
        return Snapshot(cluster.list(MODEL_DEPLOYMENTS, namespace).items, requests, approvals)

    def _of(self, target: Target) -> Cluster:
        return self._clusters[target.environment]

    def _find(self, resource: Resource, target: Target, name: str) -> JsonObject | None:
        try:
            return self._of(target).get(resource, target.namespace, name)
        except NotFound:
            return None
        except ClusterError as error:
            raise _unavailable(error) from error

    def _list(self, resource: Resource, target: Target) -> tuple[JsonObject, ...]:
        try:
            return self._of(target).list(resource, target.namespace).items
        except ClusterError as error:
            raise _unavailable(error) from error

    def _create(
        self,
        resource: Resource,
        target: Target,
        body: JsonObject,
        find: Callable[[Target, str], JsonObject | None],
    ) -> bool:
        for attempt in range(CREATE_TRIES):
            try:
                self._of(target).create(resource, target.namespace, body, strict=True)
            except AlreadyExists:
                there = find(target, name_of(body))
                return there is not None and _mark_of(there) == _mark_of(body)
            except ClusterError as error:
                if not error.retryable or attempt == CREATE_TRIES - 1:
                    raise _unavailable(error) from error
                time.sleep(min(error.retry_after or 0.2, 2.0))
            else:
                return True
        return False


def _mark_of(body: JsonObject) -> tuple[str, str]:
    """What tells an object of this very attempt from another's of the same name."""
    return message_of(body), dig_text(body, "spec", "source", "delivery")


def _unavailable(error: ClusterError) -> Refused:
    if error.retryable:
        return refuse(
            Refusal.CLUSTER_UNAVAILABLE,
            f"The cluster does not answer: {escaped(str(error), 200)}.",
            who="The cluster's operators.",
            then="Check with `status` before you ask again: what you asked for may have been "
            "recorded although no answer came.",
        )
    who = "The cluster's operators"
    rights = " (the bot's service account lacks a right)" if isinstance(error, Forbidden) else ""
    return refuse(
        Refusal.REQUEST_NOT_ACCEPTED,
        f"The cluster did not take it: {escaped(str(error), 300)}.",
        who=f"{who}{rights}.",
        then="Nothing was changed. Show them this message.",
    )
