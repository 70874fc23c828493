"""Everything a rule of the engine looks at, in one frozen value, and what rules often ask of it.

Made by `advance` for one decision. It deliberately decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollouts import strategies
from rollouts.model import (
    FieldError,
    ModelDeployment,
    Observation,
    Phase,
    Revision,
    RevisionState,
    Spec,
    Status,
)
from rollouts.strategies import Check, Strategy, StrategyError
from rollouts.traffic import TrafficIntent

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Plan:
    """A spec that makes sense, and its strategy with its settings."""

    spec: Spec
    strategy: Strategy
    settings: Any

    def candidate_size(self, weight: int) -> int:
        """Replicas that the candidate needs before it gets `weight`."""
        return self.strategy.candidate_size(self.settings, weight, self.spec.replicas)

    def stable_size(self, weight: int) -> int:
        """Replicas that stable keeps at least while the candidate has `weight`."""
        return self.strategy.stable_size(self.settings, weight, self.spec.replicas)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What the candidate has to answer before it gets any traffic."""
        return self.strategy.checks(self.settings)


@dataclass(frozen=True)
class View:
    """`plan` is None where the spec makes no sense; `problem` then says why."""

    deployment: ModelDeployment
    status: Status
    seen: Observation
    now: datetime
    plan: Plan | None
    problem: str

    @property
    def rolling_back(self) -> bool:
        """True while a candidate is being taken back."""
        return self.status.phase is Phase.ROLLING_BACK

    @property
    def baking(self) -> bool:
        """True while the previous revision is kept at full size after a promotion."""
        return self.status.phase is Phase.BAKING

    @property
    def moving(self) -> bool:
        """True while a candidate is on its way up."""
        return self.status.candidate is not None and not self.rolling_back

    @property
    def resting(self) -> bool:
        """True while no rollout runs."""
        return not self.status.in_progress

    @property
    def shares(self) -> bool:
        """True where stable gives up its pods while the candidate gets them."""
        return self.plan is not None and self.plan.strategy.shares

    @property
    def exclusive(self) -> bool:
        """True where pods of two revisions must not run at the same time."""
        return self.plan is not None and self.plan.strategy.exclusive

    def of(self, revision: Revision | None) -> RevisionState:
        """What was seen of a revision."""
        return self.seen.of(revision.name) if revision else RevisionState()

    def age(self, moment: datetime | None) -> timedelta:
        """How long ago that was; nothing where it never was."""
        return self.now - moment if moment else timedelta(0)


def look(deployment: ModelDeployment, status: Status, seen: Observation, now: datetime) -> View:
    """The view; a spec or strategy that makes no sense becomes its `problem`."""
    plan, problem = plan_of(deployment)
    return View(deployment, status, seen, now, plan, problem)


def plan_of(deployment: ModelDeployment) -> tuple[Plan | None, str]:
    """The plan, or None and why there is none."""
    if deployment.spec is None:
        return None, deployment.spec_problem
    try:
        strategy = strategies.find(deployment.spec.strategy)
        settings = strategy.parse(deployment.spec.strategy_options)
    except (StrategyError, FieldError) as error:
        return None, str(error)
    return Plan(deployment.spec, strategy, settings), deployment.spec_problem


def switches(deployment: ModelDeployment) -> bool:
    """True where the strategy has no step at which both revisions serve."""
    plan = plan_of(deployment)[0]
    return plan is not None and plan.strategy.switches


def traffic_intent(view: View) -> TrafficIntent | None:
    """What the route is to show by the status; None while nothing is to get traffic yet."""
    status = view.status
    weights: tuple[tuple[str, int], ...]
    if status.candidate is None:
        if status.stable is None:
            return None
        weights = ((status.stable.name, 100),)
    elif status.stable is None:
        if status.weight.asked != 100:
            return None
        weights = ((status.candidate.name, 100),)
    else:
        asked = status.weight.asked
        weights = ((status.stable.name, 100 - asked), (status.candidate.name, asked))
    owned = owned_services(view.status, view.seen.revisions)
    return TrafficIntent(
        sequence=status.write_sequence,
        weights=weights,
        in_progress=status.in_progress,
        alias=view.deployment.name,
        owned=owned,
        sizes={name: view.seen.of(name).endpoints for name in owned},
    )


def owned_services(status: Status, revisions: Iterable[str]) -> frozenset[str]:
    """Every Service name that belongs, or has belonged, to a revision of this deployment."""
    named = {r.name for r in (status.stable, status.candidate, status.previous) if r}
    return frozenset(named | {r.name for r in status.rejected} | set(revisions))
