"""The edge to Kubernetes: reads ModelDeployments and RolloutRequests, creates RolloutRequests.

Called by the verbs and by the watcher of live messages. It creates requests and nothing else, and
changes nothing. Errors leave as Refused; what the cluster says decides nothing here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.escape import code, escaped
from bot.notes import message_of
from bot.refusals import Refusal, Refused, refuse
from rollouts.jsontypes import JsonObject, dig_text
from rollouts.kube import (
    MODEL_DEPLOYMENTS,
    ROLLOUT_REQUESTS,
    AlreadyExists,
    Cluster,
    ClusterError,
    Forbidden,
    NotFound,
)

if TYPE_CHECKING:
    from bot.settings import Target

CREATE_TRIES = 3


@dataclass(frozen=True)
class Snapshot:
    """Both kinds of objects of one namespace, read one after the other."""

    deployments: tuple[JsonObject, ...]
    requests: tuple[JsonObject, ...]


class Requests:
    """The bot's view of one cluster. Safe to share between threads."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def deployment(self, target: Target) -> JsonObject:
        """The target's ModelDeployment. Raises Refused."""
        try:
            return self._cluster.get(MODEL_DEPLOYMENTS, target.namespace, target.name)
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

    def request(self, namespace: str, name: str) -> JsonObject | None:
        """One request, or None. Raises Refused."""
        try:
            return self._cluster.get(ROLLOUT_REQUESTS, namespace, name)
        except NotFound:
            return None
        except ClusterError as error:
            raise _unavailable(error) from error

    def create(self, namespace: str, body: JsonObject) -> bool:
        """Creates the request; False when one of that name, but another's, is there already.

        An answer that was lost is asked for again: the name is fixed and the message that the
        request points at tells whether the one that exists is this very one. Raises Refused.
        """
        for attempt in range(CREATE_TRIES):
            try:
                self._cluster.create(ROLLOUT_REQUESTS, namespace, body)
            except AlreadyExists:
                there = self.request(namespace, dig_text(body, "metadata", "name"))
                return there is not None and message_of(there) == message_of(body)
            except ClusterError as error:
                if not error.retryable or attempt == CREATE_TRIES - 1:
                    raise _unavailable(error) from error
                time.sleep(min(error.retry_after or 0.2, 2.0))
            else:
                return True
        return False

    def snapshot(self, namespace: str) -> Snapshot:
        """Raises ClusterError: the watcher, its only caller, comes again by itself."""
        # Requests first: a deployment read later is never older than what a request says of it.
        requests = self._cluster.list(ROLLOUT_REQUESTS, namespace).items
        return Snapshot(self._cluster.list(MODEL_DEPLOYMENTS, namespace).items, requests)


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
