"""The controller: the shell around the engine. It observes, asks `advance`, applies one write.

Started by `holdpoint controller`. Nothing of it is needed to decide, and nothing of it remembers
what could not be read again from the cluster.
"""

from rollouts.controller.lease import LeaseName
from rollouts.controller.logs import log_as_json
from rollouts.controller.process import ControllerProcess, Options

__all__ = ["ControllerProcess", "LeaseName", "Options", "log_as_json"]
