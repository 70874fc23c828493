"""The JSON bodies of GitHub's objects: what the fake has an opinion about, and nothing more.

The rest of what GitHub's description requires is added by `Validator.completed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.fakes.github.mergeability import blockers

if TYPE_CHECKING:
    from tests.fakes.github.state import (
        App,
        CheckRun,
        Comment,
        Commit,
        Deployment,
        Identity,
        Pull,
        Repository,
        Ruleset,
        Status,
        WorkflowRun,
    )

Json = dict[str, Any]


def _page(repo: Repository) -> str:
    return f"https://github.example/{repo.full_name}"


def user(identity: Identity, url: str) -> Json:
    login = quote(identity.login)
    page = f"apps/{identity.app.slug}" if identity.app else login
    return {
        "id": identity.id,
        "login": identity.login,
        "type": identity.kind,
        "url": f"{url}/users/{login}",
        "html_url": f"https://github.example/{page}",
        "site_admin": False,
    }


def app(owner: App) -> Json:
    return {
        "id": owner.id,
        "slug": owner.slug,
        "name": owner.slug,
        "html_url": f"https://github.example/apps/{owner.slug}",
    }


def repository(repo: Repository, url: str) -> Json:
    owner, _, name = repo.full_name.partition("/")
    return {
        "id": repo.id,
        "name": name,
        "full_name": repo.full_name,
        "private": repo.private,
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "owner": {"login": owner, "type": "Organization", "id": repo.id + 1},
        "url": f"{url}/repos/{repo.full_name}",
        "html_url": f"{_page(repo)}",
        "archived": False,
        "disabled": False,
        "fork": False,
    }


def commit(repo: Repository, found: Commit, url: str) -> Json:
    base = f"{url}/repos/{repo.full_name}"
    return {
        "sha": found.sha,
        "url": f"{base}/commits/{found.sha}",
        "html_url": f"{_page(repo)}/commit/{found.sha}",
        "commit": {
            "message": found.message,
            "url": f"{base}/git/commits/{found.sha}",
            "tree": {"sha": found.sha, "url": f"{base}/git/trees/{found.sha}"},
        },
        "parents": [{"sha": sha, "url": f"{base}/commits/{sha}"} for sha in found.parents],
        "author": {"login": found.author} if found.author else None,
        "committer": {"login": found.author} if found.author else None,
    }


def comment(repo: Repository, found: Comment, url: str) -> Json:
    place = f"{url}/repos/{repo.full_name}/issues"
    owner = found.author.app
    return {
        "id": found.id,
        "url": f"{place}/comments/{found.id}",
        "issue_url": f"{place}/{found.number}",
        "html_url": f"{_page(repo)}/pull/{found.number}#issuecomment-{found.id}",
        "body": found.body,
        "user": user(found.author, url),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "author_association": "NONE",
        "performed_via_github_app": app(owner) if owner else None,
    }


def check_run(repo: Repository, run: CheckRun, url: str) -> Json:
    place = f"{url}/repos/{repo.full_name}/check-runs/{run.id}"
    return {
        "id": run.id,
        "url": place,
        "html_url": f"{_page(repo)}/runs/{run.id}",
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "details_url": run.details_url or f"https://github.example/apps/{run.app.slug}",
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{place}/annotations",
        },
        "app": app(run.app),
        "check_suite": {"id": run.app.id},
        "pull_requests": [],
    }


def pull(repo: Repository, found: Pull, url: str) -> Json:
    place = f"{url}/repos/{repo.full_name}"
    return {
        "id": found.number,
        "number": found.number,
        "url": f"{place}/pulls/{found.number}",
        "html_url": f"{_page(repo)}/pull/{found.number}",
        "issue_url": f"{place}/issues/{found.number}",
        "state": found.state,
        "mergeable": found.state == "open",
        "mergeable_state": "blocked" if blockers(repo, found) else "clean",
        "title": found.title,
        "user": user(found.author, url),
        "head": {
            "sha": found.head,
            "ref": found.head_ref,
            "label": f"{found.head_repository.split('/')[0]}:{found.head_ref}",
            "repo": {"full_name": found.head_repository},
        },
        "base": {
            "sha": found.base,
            "ref": found.base_ref,
            "label": f"{repo.full_name.split('/')[0]}:{found.base_ref}",
            "repo": repository(repo, url),
        },
    }


def status(repo: Repository, found: Status, url: str) -> Json:
    return {
        "id": found.id,
        "url": f"{url}/repos/{repo.full_name}/statuses/{found.sha}",
        "state": found.state,
        "context": found.context,
        "description": found.description,
        "target_url": found.target_url,
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "creator": user(found.creator, url),
    }


def workflow_run(repo: Repository, run: WorkflowRun, url: str) -> Json:
    return {
        "id": run.id,
        "path": f"{run.path}@{run.ref}",
        "event": run.event,
        "head_sha": run.head_sha,
        "head_branch": run.head_branch,
        "status": run.status,
        "conclusion": run.conclusion,
        "url": f"{url}/repos/{repo.full_name}/actions/runs/{run.id}",
        "html_url": f"{_page(repo)}/actions/runs/{run.id}",
        "repository": repository(repo, url),
        "head_repository": repository(repo, url),
    }


def ruleset(repo: Repository, found: Ruleset) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "target": "branch",
        "source": repo.full_name,
        "source_type": "Repository",
        "enforcement": "active",
    }


def deployment(repo: Repository, found: Deployment, url: str) -> Json:
    place = f"{url}/repos/{repo.full_name}/deployments/{found.id}"
    return {
        "id": found.id,
        "url": place,
        "statuses_url": f"{place}/statuses",
        "repository_url": f"{url}/repos/{repo.full_name}",
        "sha": found.sha,
        "ref": found.ref,
        "task": "deploy",
        "environment": found.environment,
        "creator": user(found.creator, url),
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "payload": {},
    }
