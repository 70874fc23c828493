"""The controller as a process: informers, Lease, workers, and an orderly end.

Started by `rollouts.cli`. It puts the parts together and deliberately holds no logic of theirs.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts import kube, traffic
from rollouts.controller.analyst import Analyst
from rollouts.controller.applying import Applier
from rollouts.controller.events import Events
from rollouts.controller.informer import Informer, Interest
from rollouts.controller.lease import Leadership, LeaseName, NotLeader
from rollouts.controller.metrics import Metrics
from rollouts.controller.prober import Prober
from rollouts.controller.queue import WorkQueue
from rollouts.controller.reconciler import Reconciler, Tools
from rollouts.controller.serving import Endpoint, Pages
from rollouts.controller.store import Key, Store, key_of, target_of
from rollouts.controller.writing import Writer
from rollouts.jsontypes import dig_object, dig_text, name_of
from rollouts.revisions import MODEL_DEPLOYMENT_LABEL

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Cluster, Resource

LOG = logging.getLogger(__name__)
WORKERS = 4
SYNC_WITHIN_S = 60.0
SETTLE_WITHIN_S = 15.0
LABELLED = (
    kube.DEPLOYMENTS,
    kube.SERVICES,
    kube.PODS,
    kube.ENDPOINT_SLICES,
    kube.CONTROLLER_REVISIONS,
)
OUR_KINDS = (kube.MODEL_DEPLOYMENTS, kube.ROLLOUT_REQUESTS, kube.ROLLOUT_APPROVALS)
LOST, STOPPED = 1, 0


@dataclass(frozen=True)
class Options:
    """`namespace` None means all. `host` and `port` are those of the controller's own endpoint."""

    namespace: str | None
    lease: LeaseName
    host: str
    port: int


class ControllerProcess:
    """Built, then `run` once."""

    def __init__(self, cluster: Cluster, options: Options) -> None:
        self._options = options
        self._stopped = threading.Event()
        self._lost = False
        self._metrics = Metrics()
        self._store = Store()
        self._queue: WorkQueue[Key] = WorkQueue()
        self._leadership = Leadership(cluster, options.lease, self._lose)
        writer = Writer(cluster, self._store, self._leadership.require, self._metrics)
        self._analyst = Analyst(self._metrics)
        self._prober = Prober()
        self._reconciler = Reconciler(
            Tools(
                cluster=cluster,
                store=self._store,
                applier=Applier(cluster, self._store, writer),
                analyst=self._analyst,
                prober=self._prober,
                events=Events(writer),
                metrics=self._metrics,
            )
        )
        self._informers = [
            Informer(cluster, self._store, interest, self._changed)
            for interest in _interests(options.namespace)
        ]
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{n}", daemon=True)
            for n in range(WORKERS)
        ]
        self._metrics.waits(self._queue.__len__)
        for informer in self._informers:
            if not informer.optional:
                self._metrics.hears(informer.plural, informer.silence_s)
        pages = Pages(self._unhealthy, self._unready, self._metrics.page)
        self.endpoint = Endpoint(options.host, options.port, pages)

    def stop(self) -> None:
        """Asks for an orderly end; safe in a signal handler's thread."""
        self._stopped.set()

    def run(self) -> int:
        """Until `stop` (0) or until the Lease is lost (1)."""
        self.endpoint.start()
        for informer in self._informers:
            informer.start()
        try:
            if self._leadership.acquire(self._stopped) and self._synced():
                self._metrics.leads(True)
                self._start_work()
                self._stopped.wait()
        finally:
            self._end()
        return LOST if self._lost else STOPPED

    def _synced(self) -> bool:
        """Waits until the store has seen every kind; what lags longer is missing (no such CRD)."""
        for informer in self._informers:
            if not informer.synced.wait(SYNC_WITHIN_S):
                LOG.error("cannot list %s; is it installed, and may we?", informer.plural)
        return not self._stopped.is_set()

    def _start_work(self) -> None:
        for deployment in self._store.all(kube.MODEL_DEPLOYMENTS):
            self._queue.add(key_of(deployment))
        for worker in self._workers:
            worker.start()

    def _end(self) -> None:
        """Finishes what is being done, then gives the Lease away."""
        self._metrics.leads(False)
        self._queue.close()
        for informer in self._informers:
            informer.stop()
        for worker in self._workers:
            if worker.ident is not None:
                worker.join(SETTLE_WITHIN_S)
        self._leadership.release()
        self._analyst.close()
        self._prober.close()
        self.endpoint.stop()

    def _lose(self) -> None:
        self._lost = True
        self._stopped.set()

    def _work(self) -> None:
        while (key := self._queue.get()) is not None:
            try:
                self._one(key)
            finally:
                self._queue.done(key)

    def _one(self, key: Key) -> None:
        try:
            pause = self._reconciler.reconcile(key)
        except NotLeader as error:
            LOG.error("%s", error)
            return
        except (kube.ClusterError, traffic.TrafficError) as error:
            self._retry(key, error)
            return
        except Exception:  # one target's surprise must not stop the others
            LOG.exception("a mistake of ours", extra={"namespace": key[0], "target": key[1]})
            self._metrics.failed("Surprise")
            self._queue.fail(key)
            return
        self._queue.succeed(key)
        if pause is not None:
            self._queue.add_after(key, pause)

    def _retry(self, key: Key, error: Exception) -> None:
        wanted = error.retry_after if isinstance(error, kube.ClusterError) else None
        pause = self._queue.fail(key, at_least_s=wanted or 0.0)
        self._metrics.failed(type(error).__name__)
        extra = {"namespace": key[0], "target": key[1], "again_in_s": round(pause, 2)}
        LOG.warning("%s", error, extra=extra)

    def _changed(self, resource: Resource, obj: JsonObject) -> None:
        """An informer saw a change: whose is it?"""
        if resource == kube.MODEL_DEPLOYMENTS:
            self._queue.add(key_of(obj))
        elif resource in LABELLED or resource in OUR_KINDS:
            self._queue.add(target_of(obj))
        else:
            for deployment in self._store.all(kube.MODEL_DEPLOYMENTS):
                if _routes_by(deployment, resource, obj):
                    self._queue.add(key_of(deployment))

    def _unhealthy(self) -> str:
        if self._stopped.is_set():
            return ""  # threads end on purpose now
        dead = [informer.plural for informer in self._informers if not informer.alive]
        dead += [w.name for w in self._workers if w.ident is not None and not w.is_alive()]
        return f"the threads for {', '.join(dead)} have died" if dead else ""

    def _unready(self) -> str:
        if self._stopped.is_set():
            return "stopping"
        missing = [i.plural for i in self._informers if not i.synced.is_set()]
        return f"not listed yet: {', '.join(missing)}" if missing else ""


def _interests(namespace: str | None) -> list[Interest]:
    return [
        *(Interest(resource, namespace) for resource in OUR_KINDS),
        *(Interest(resource, namespace, MODEL_DEPLOYMENT_LABEL) for resource in LABELLED),
        *(Interest(kind, namespace, optional=True) for kind in _routes()),
    ]


def _routes() -> list[Resource]:
    """What the routers write, less what is watched already. Few clusters have all of it."""
    kinds = {router.resource for router in traffic.routers().values()}
    return sorted(kinds - set(LABELLED), key=lambda kind: kind.plural)


def _routes_by(deployment: JsonObject, resource: Resource, route: JsonObject) -> bool:
    spec = dig_object(deployment, "spec", "traffic")
    try:
        where = traffic.find(dig_text(spec, "type")).reference(spec, key_of(deployment)[0])
    except traffic.TrafficError:
        return False
    here = (dig_text(route, "metadata", "namespace"), name_of(route))
    return where.plural == resource.plural and (where.namespace, where.name) == here
