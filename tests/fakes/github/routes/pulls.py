"""Pull requests and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.github import bodies
from tests.fakes.github.mergeability import blockers
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route

if TYPE_CHECKING:
    from tests.fakes.github.state import Pull


def _pull(call: Call) -> Pull:
    found = call.repository.pulls.get(int(call.path["pull_number"]))
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", "pull_requests:read")
def get_pull(call: Call) -> Answer:
    return Answer(200, bodies.pull(call.repository, _pull(call), call.url))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", "pull_requests:read")
def list_files(call: Call) -> Answer:
    items, headers = page(call, list(_pull(call).files))
    return Answer(200, items, headers)


@route("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", "contents:write")
def merge(call: Call) -> Answer:
    repo, found = call.repository, _pull(call)
    if (call.body or {}).get("sha", found.head) != found.head:
        raise RefusedError(409, "Head branch was modified. Review and try the merge again.")
    why = ["Pull Request is not mergeable"] if found.state != "open" else blockers(repo, found)
    if why:
        raise RefusedError(405, "; ".join(why))
    found.state, repo.branches[found.base_ref] = "closed", found.head
    return Answer(200, {"sha": found.head, "merged": True, "message": "merged"})
