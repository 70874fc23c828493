"""The order in which a verdict appears on GitHub. Called by `checks.action`.

`begin` puts a check run *in progress* on the commit before the model runs: from then on an older
green check of the same commit no longer counts, and if this process dies the commit stays pending,
never green. `finish` completes it and brings the one comment up to date. What GitHub refuses
becomes a `Problem` and does not stop the rest: the verdict is told wherever it can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from checks.publish.annotations import batches
from checks.publish.bodies import CHECK_NAME, CommentView, Publication, own_comments
from checks.publish.errors import NotPermittedError, PublishError

if TYPE_CHECKING:
    from checks.publish.annotations import Annotation
    from checks.publish.github import CheckRef, GitHub
    from checks.publish.retry import Retrier

ACTIONS_BOT = "github-actions[bot]"  # the author of what is written with a workflow's own token


@dataclass(frozen=True)
class Problem:
    """Something that did not appear. `permission`: the token may not, so a retry will not help."""

    sentence: str
    permission: bool


class Publisher:
    """Publishes about one commit, and about one pull request where `number` is given.

    `key` is unique to this process: by it a check run whose creation went unanswered is found.
    """

    def __init__(
        self, github: GitHub, retrier: Retrier, *, sha: str, number: int | None, key: str
    ) -> None:
        self._github = github
        self._retrier = retrier
        self._sha = sha
        self._number = number
        self._key = key
        self._check: CheckRef | None = None
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def begin(self) -> None:
        """The check run, in progress."""
        try:
            self._check = self._retrier.call(
                lambda: self._github.start_check(CHECK_NAME, self._sha, self._key),
                done=lambda: self._github.find_check(CHECK_NAME, self._sha, self._key),
            )
        except PublishError as error:
            self._problem(error, "checks: write")

    def finish(self, publication: Publication) -> None:
        """Completes the check run, then creates or edits the comment."""
        if self._check is not None:
            self._annotate(self._check, publication)
            self._complete(self._check, publication)
        if self._number is not None:
            try:
                self._comment(self._number, publication.comment)
            except PublishError as error:
                self._problem(error, "pull-requests: write")

    def _annotate(self, check: CheckRef, publication: Publication) -> None:
        added = 0
        for batch in batches(publication.annotations):
            added += len(batch)
            try:
                self._add(check, publication, batch, added)
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
