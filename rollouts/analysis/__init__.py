"""The sequential analysis of a rollout: pure, and valid at every moment at which it is asked.

`start(settings)` gives a State, `update(state, settings, tick)` the next one, and
`judge(state, settings)` the verdict in words. `State.to_json()` / `State.from_json(data, settings)`
are the checkpoint. The formulas and their sources are in the modules' docstrings.
"""

from rollouts.analysis.counts import AnalysisError, Both, Histogram, Increment, Scores, Tick
from rollouts.analysis.evidence import Part
from rollouts.analysis.judge import judge
from rollouts.analysis.judgement import Judgement, Kind
from rollouts.analysis.settings import Measure, Settings
from rollouts.analysis.state import State
from rollouts.analysis.update import start, update

__all__ = [
    "AnalysisError",
    "Both",
    "Histogram",
    "Increment",
    "Judgement",
    "Kind",
    "Measure",
    "Part",
    "Scores",
    "Settings",
    "State",
    "Tick",
    "judge",
    "start",
    "update",
]
