"""The informer against an API server that loses, repeats, breaks off and forgets."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from rollouts import kube
from rollouts.controller.informer import Informer, Interest
from rollouts.controller.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pod(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "prod", "name": name, "resourceVersion": str(version)}}


class Scripted:
    """Lists and watches come from the test, in order; then watches hang until the end."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[str] = []
        self.ended = threading.Event()

    def list(self, *_: Any, **__: Any) -> kube.ListResult:
        self.asked.append("list")
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        objects, version = answer
        return kube.ListResult(tuple(objects), version)

    def watch(self, _: Any, __: Any, version: str, **___: Any) -> Iterator[kube.WatchEvent]:
        self.asked.append(f"watch {version}")
        if not self.watches:
            self.ended.wait(20)
            return
        for item in self.watches.pop(0):
            if isinstance(item, Exception):
                raise item
            yield kube.WatchEvent(*item)


def followed(lists: list[Any], watches: list[Any]) -> tuple[Scripted, Store, list[str]]:
    """Runs until the script is used up."""
    cluster, store, changed = Scripted(lists, watches), Store(), []

    def note(_: kube.Resource, obj: dict[str, Any]) -> None:
        changed.append(obj["metadata"]["name"])

    interest = Interest(kube.PODS, "prod")
    informer = Informer(cast("kube.Cluster", cluster), store, interest, note)
    informer.start()
    wait_until(lambda: not cluster.lists and not cluster.watches and is_hanging(cluster))
    informer.stop()
    cluster.ended.set()
    assert informer.synced.is_set()
    return cluster, store, changed


def is_hanging(cluster: Scripted) -> bool:
    return cluster.asked[-1].startswith("watch") and not cluster.ended.is_set()


def wait_until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_changes_reach_the_store_and_then_the_listener() -> None:
    events = [("ADDED", pod("b", 6)), ("MODIFIED", pod("a", 7)), ("DELETED", pod("b", 8))]
    cluster, store, changed = followed([([pod("a", 5)], "5")], [events])
    assert changed == ["a", "b", "a", "b"]
    assert [p["metadata"]["name"] for p in store.all(kube.PODS)] == ["a"]
    assert cluster.asked == ["list", "watch 5", "watch 8"], "the next watch starts where it ended"


def test_repeated_and_late_events_change_nothing() -> None:
    events = [("MODIFIED", pod("a", 9)), ("MODIFIED", pod("a", 9)), ("MODIFIED", pod("a", 7))]
    _, store, changed = followed([([pod("a", 5)], "5")], [events])
    assert changed == ["a", "a"]
    assert store.all(kube.PODS)[0]["metadata"]["resourceVersion"] == "9"


def test_an_expired_watch_lists_again() -> None:
    lists = [([pod("a", 5), pod("b", 5)], "5"), ([pod("a", 20)], "20")]
    cluster, _store, changed = followed(lists, [[kube.Gone("410")]])
    assert cluster.asked == ["list", "watch 5", "list", "watch 20"]
    assert changed == ["a", "b", "b", "a"], "what was deleted meanwhile is said too"


def test_a_watch_that_breaks_off_goes_on_from_its_last_event() -> None:
    watches = [[("ADDED", pod("b", 6)), kube.Unreachable("reset")], [("ADDED", pod("c", 7))]]
    cluster, store, _ = followed([([], "5")], watches)
    assert len(store.all(kube.PODS)) == 2
    assert cluster.asked.count("list") == 1


def test_a_server_that_is_down_is_asked_again_and_then_listed_anew() -> None:
    down = kube.Unreachable("down")
    lists = [down, down, ([pod("a", 5)], "5"), ([pod("a", 9)], "9")]
    _cluster, store, _ = followed(lists, [[down], [down]])
    assert store.all(kube.PODS)[0]["metadata"]["resourceVersion"] == "9"


def test_a_bookmark_moves_the_start_of_the_next_watch() -> None:
    bookmark = {"metadata": {"resourceVersion": "50"}}
    cluster, _, changed = followed([([], "5")], [[("BOOKMARK", bookmark)]])
    assert cluster.asked[-1] == "watch 50"
    assert changed == []


def _asked_twice(cluster: Scripted) -> bool:
    return len(cluster.asked) > 1


@pytest.mark.parametrize("error", [kube.NotFound("no such kind"), kube.Forbidden("not yours")])
def test_a_kind_that_need_not_be_there_counts_as_listed(error: kube.ClusterError) -> None:
    for optional in (True, False):
        cluster = Scripted([error] * 20, [])
        interest = Interest(kube.HTTP_ROUTES, None, optional=optional)
        fake = cast("kube.Cluster", cluster)
        informer = Informer(fake, Store(), interest, lambda *_: None)
        informer.start()
        wait_until(partial(_asked_twice, cluster))
        assert informer.synced.is_set() is optional
        informer.stop()
