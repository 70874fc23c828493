"""Files of a commit."""

from __future__ import annotations

import base64

from tests.fakes.github.routing import Answer, Call, RefusedError, route


@route("GET", "/repos/{owner}/{repo}/contents/{path}", "contents:read")
def get_file(call: Call) -> Answer:
    repo, path = call.repository, call.path["path"]
    commit = repo.find_commit(call.query.get("ref", repo.default_branch))
    if commit is None:
        raise RefusedError(404, f"No commit found for the ref {call.query.get('ref')}")
    if path not in commit.files:
        raise RefusedError(404, "Not Found")
    payload = commit.files[path]
    return Answer(
        200,
        {
            "type": "file",
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": commit.sha,
            "size": len(payload),
            "encoding": "base64",
            "content": base64.encodebytes(payload).decode(),
            "url": f"{call.url}/repos/{repo.full_name}/contents/{path}",
            "_links": {"self": f"{call.url}/repos/{repo.full_name}/contents/{path}"},
        },
    )
