"""What a check is, and what it is given to look at.

A check is one file in `checks/catalog` with a `CHECK` that follows the `Check` protocol. Its
`collect` does all the looking and gives no points; its `judge` gives the points and looks at
nothing: no clock, no disk, no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.config import Config
    from checks.evidence.model_runs import ModelRuns
    from checks.evidence.repository import Repository
    from checks.report import Verdict


@dataclass(frozen=True)
class Context:
    """What collectors may look at: the tree, the configuration, and runs of the model."""

    repository: Repository
    config: Config
    runs: ModelRuns


class Needs(StrEnum):
    """What a check's collector looks at."""

    MODEL = "model"  # runs of the model and nothing of the tree: same model, rows and settings,
    # same verdict
    TREE = "tree"  # the tree, the configuration, the model's bytes, and no run: it may be judged
    # beside the model
    BOTH = "both"


class Check(Protocol):
    """One of the twelve checks.

    `needs: Needs` says what its collector looks at (BOTH where it is not said), and `timed: bool`
    that it measures time, so that nothing may run beside it.
    """

    @property
    def name(self) -> str:
        """The check's stable name, which is also its file's name and its key under `checks:`."""

    @property
    def title(self) -> str:
        """What a person calls it."""

    @property
    def settings(self) -> type[Any]:
        """A frozen dataclass whose fields are the thresholds that can be configured."""

    @property
    def items(self) -> Mapping[str, float]:
        """What gives points and can be declared, with its worth. Empty when all is measured."""

    @property
    def rules(self) -> tuple[str, ...]:
        """What its findings are called beyond its items, "*" standing for the variable part.

        A waiver for any other rule is an error at once.
        """

    def collect(self, context: Context) -> Any:
        """Looks, measures, and returns evidence. Expected trouble is evidence, not an exception."""

    def judge(self, evidence: Any, config: Config) -> Verdict:
        """Turns evidence into a verdict. Pure."""
