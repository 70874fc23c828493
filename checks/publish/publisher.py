"""The order in which a verdict appears on GitHub. Called by `checks.action`.

`begin` puts a check run *in progress* on the commit before the model runs: from then on an older
green check of the same commit no longer counts, and if this process dies the commit stays pending,
never green. `finish` completes it and brings the one comment up to date. A token that may write no
checks but commit statuses gets a status of the same name instead, which satisfies (or does not) the
same required check. What GitHub refuses becomes a `Problem` and does not stop the rest: the verdict
is told wherever it can be told.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from checks.publish.annotations import batches
from checks.publish.bodies import CHECK_NAME, CommentView, Publication, own_comments
from checks.publish.errors import NotPermittedError, PublishError, RejectedError
from checks.publish.text import cut

if TYPE_CHECKING:
    from checks.publish.annotations import Annotation
    from checks.publish.github import CheckRef, GitHub
    from checks.publish.retry import Retrier

MOST_REFUSED = 20  # requests with annotations that GitHub refuses, before the rest is given up
STATUS_LIMIT = 140  # characters of a commit status
ACTIONS_BOT = "github-actions[bot]"  # the author of what is written with a workflow's own token


@dataclass(frozen=True)
class Problem:
    """Something that did not appear. `permission`: the token may not, so a retry will not help."""

    sentence: str
    permission: bool


@dataclass(frozen=True)
class Target:
    """What is published about. `number` is the pull request to comment on, None for no comment.

    `key` is unique to this process: by it a check run whose creation went unanswered is found.
    `page` is the workflow run's. `changed_only`: annotations on the pull request's files alone.
    """

    sha: str
    number: int | None
    key: str
    page: str = ""
    changed_only: int | None = None  # the pull request whose files count


class Publisher:
    """Publishes about one commit, and about one pull request where the target names one."""

    def __init__(self, github: GitHub, retrier: Retrier, target: Target) -> None:
        self._github = github
        self._retrier = retrier
        self._target = target
        self._sha = target.sha
        self._check: CheckRef | None = None
        self._status = False
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def begin(self) -> None:
        """The check run, in progress; or a pending status. What fails here is tried again last."""
        try:
            self._check = self._start()
        except NotPermittedError as error:
            self._status = self._set_status("pending", "The model is being judged", error)
        except PublishError as error:
            self.notes.append(f"{error}; it is tried again once the verdict is known.")

    def finish(self, publication: Publication) -> None:
        """Completes the check run or status, then creates or edits the comment."""
        if self._check is None and not self._status and not self.problems:
            self._begin_late()
        if self._check is not None:
            self._annotate(self._check, self._wanted(publication))
            self._complete(self._check, publication)
        elif self._status:
            self._set_status(publication.conclusion, publication.title, None)
        if self._target.number is not None:
            try:
                self._comment(self._target.number, publication.comment)
            except PublishError as error:
                self._problem(error, "pull-requests: write")

    def _start(self) -> CheckRef:
        target, github = self._target, self._github
        return self._retrier.call(
            lambda: github.start_check(CHECK_NAME, target.sha, target.key, target.page),
            done=lambda: github.find_check(CHECK_NAME, target.sha, target.key),
        )

    def _begin_late(self) -> None:
        try:
            self._check = self._start()
        except PublishError as error:
            self._problem(error, "checks: write")

    def _set_status(self, state: str, said: str, instead: PublishError | None) -> bool:
        """Whether the status is set; `instead` is why there is no check run."""
        text = cut(said, STATUS_LIMIT)
        try:
            self._retrier.call(
                lambda: self._github.set_status(
                    CHECK_NAME, self._sha, state, text, self._target.page
                )
            )
        except PublishError as error:
            if isinstance(error, NotPermittedError) and instead is not None:
                self._problem(instead, "checks: write")
            else:
                self._problem(error, "statuses: write")
            return False
        if instead is not None:
            self.notes.append("The token may write no checks: a commit status tells the verdict.")
        return True

    def _wanted(self, publication: Publication) -> Publication:
        """The publication with the annotations that were asked for."""
        number = self._target.changed_only
        if number is None:
            return publication
        try:
            files = self._retrier.call(lambda: self._github.changed_files(number))
        except PublishError as error:
            self._problem(error, "pull-requests: read")
            files = frozenset()
        kept = tuple(each for each in publication.annotations if each.path in files)
        return dataclasses.replace(publication, annotations=kept)

    def _annotate(self, check: CheckRef, publication: Publication) -> None:
        """Batch by batch; one that is refused is halved, so that a single one costs only itself."""
        added, refused = 0, 0
        waiting = list(batches(publication.annotations))
        while waiting and refused < MOST_REFUSED:
            batch = waiting.pop(0)
            try:
                self._add(check, publication, batch, added + len(batch))
                added += len(batch)
            except RejectedError as error:
                refused += 1
                half = len(batch) // 2
                waiting[:0] = [part for part in (batch[:half], batch[half:]) if half and part]
                if not half or refused == MOST_REFUSED:
                    self._problem(error, "checks: write")
            except PublishError as error:
                self._problem(error, "checks: write")
                return

    def _add(
        self, check: CheckRef, publication: Publication, batch: list[Annotation], total: int
    ) -> None:
        def there() -> int | None:
            count = self._github.annotation_count(check)
            return count if count >= total else None

        # GitHub appends: a batch whose answer was lost must not be sent again.
        self._retrier.call(
            lambda: self._github.annotate(check, publication.output(), batch), done=there
        )

    def _complete(self, check: CheckRef, publication: Publication) -> None:
        try:
            self._retrier.call(
                lambda: self._github.finish_check(
                    check, publication.conclusion, publication.external_id, publication.output()
                )
            )
        except PublishError as error:
            self._problem(error, "checks: write")

    def _comment(self, number: int, body: str) -> None:
        head = self._retrier.call(lambda: self._github.head_of(number))
        if head != self._sha:
            self.notes.append(
                f"The pull request has moved on to {head[:12]}; the verdict on {self._sha[:12]} "
                "stands in its check run, and the comment is left to the newer run."
            )
            return
        author = self._author()
        ours = own_comments(self._list(number), author)
        if not ours:
            self._retrier.call(
                lambda: self._github.create_comment(number, body),
                done=lambda: self._newest(number, author, body),
            )
            return
        self._retrier.call(lambda: self._github.edit_comment(number, ours[0].id, body))
        for extra in ours[1:]:  # two runs that met may have left two
            self._retrier.call(partial(self._github.delete_comment, number, extra.id))

    def _list(self, number: int) -> list[CommentView]:
        return self._retrier.call(lambda: self._github.comments(number))

    def _newest(self, number: int, author: str, body: str) -> CommentView | None:
        """Our comment, should the unanswered request have made it (or another run meanwhile)."""
        ours = own_comments(self._github.comments(number), author)
        if ours and ours[0].body != body:
            self._github.edit_comment(number, ours[0].id, body)
        return ours[0] if ours else None

    def _author(self) -> str:
        """Who we are: the app whose check run we made, else a person, else a workflow's token."""
        if self._check is not None:
            return f"{self._check.app}[bot]"
        try:
            return self._retrier.call(self._github.login)
        except NotPermittedError:
            return ACTIONS_BOT

    def _problem(self, error: PublishError, permission: str) -> None:
        denied = isinstance(error, NotPermittedError)
        hint = f" The job's token needs `{permission}`." if denied else ""
        self.problems.append(Problem(f"{error}.{hint}", denied))
