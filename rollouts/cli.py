"""`holdpoint controller` and `holdpoint rollout`: arguments in, an exit code out.

Called by `holdpoint.py`. The controller runs until it is told to stop; `rollout` only reads, but
for `stop-all`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rollouts import kube, stopping
from rollouts.controller import ControllerProcess, LeaseName, Options, log_as_json
from rollouts.planning import NoPlanError, plan_lines, plan_object
from rollouts.showing import history_lines, status_lines, status_object, to_json

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

EXIT_NO = 1
EXIT_USAGE = 2
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def controller(argv: list[str]) -> int:
    """Runs the controller: 0 when told to stop, 1 when the Lease was lost, 2 without a cluster."""
    arguments = _controller_arguments(argv)
    host, _, port = arguments.listen.rpartition(":")
    lease = LeaseName(
        arguments.lease_namespace or arguments.namespace or _own_namespace(),
        arguments.lease_name,
        arguments.identity or f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        arguments.lease_duration,
    )
    try:
        cluster = kube.Cluster.connect(arguments.kubeconfig)
    except kube.NotConfigured as error:
        return _refuse(str(error))
    log_as_json(arguments.log_level)
    options = Options(arguments.namespace or None, lease, host.strip("[]"), int(port))
    process = ControllerProcess(cluster, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    sys.stderr.write(f"holdpoint: controller listening on {process.endpoint.address}\n")
    sys.stderr.flush()
    return process.run()


def rollout(argv: list[str]) -> int:
    """Shows a ModelDeployment: 0 shown, 1 there is none of that name or no plan, 2 no cluster.

    `stop-all` is about all of them; see `rollouts.stopping`.
    """
    if argv[:1] == ["stop-all"]:
        return stopping.main(argv[1:])
    arguments = _rollout_arguments(argv)
    try:
        cluster = kube.Cluster.connect(arguments.kubeconfig)
        obj = cluster.get(kube.MODEL_DEPLOYMENTS, arguments.namespace, arguments.name)
    except kube.NotFound:
        sentence = f"there is no ModelDeployment {arguments.name!r} in {arguments.namespace!r}"
        return _refuse(sentence, EXIT_NO)
    except kube.ClusterError as error:
        return _refuse(str(error))
    if arguments.verb == "plan":
        return _plan(obj, as_json=arguments.output == "json")
    if arguments.output == "json":
        sys.stdout.write(to_json(status_object(obj), history=arguments.verb == "history"))
    else:
        lines = history_lines(obj) if arguments.verb == "history" else status_lines(obj)
        sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _plan(obj: JsonObject, *, as_json: bool) -> int:
    try:
        shown = plan_object(obj, datetime.now(UTC))
    except NoPlanError as error:
        return _refuse(str(error), EXIT_NO)
    lines = [json.dumps(shown, indent=2, sort_keys=True)] if as_json else plan_lines(shown)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _controller_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("holdpoint controller", description="Run the controller.")
    _cluster_arguments(parser, "watch only this namespace (default: all)", "")
    parser.add_argument("--lease-name", default="holdpoint-controller")
    parser.add_argument("--lease-namespace", default="", help="default: --namespace, or our own")
    parser.add_argument("--lease-duration", type=_seconds, default=15.0, metavar="S")
    parser.add_argument(
        "--identity",
        default="",
        help="who holds the Lease; must be used by one process at a time (default: unique)",
    )
    parser.add_argument("--listen", type=_address, default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error")
    )
    return parser.parse_args(argv)


def _rollout_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "holdpoint rollout",
        description="Show a rollout.",
        epilog="holdpoint rollout stop-all --help: abort every rollout under way.",
    )
    parser.add_argument("verb", choices=("status", "history", "plan"))
    parser.add_argument("name", help="the ModelDeployment")
    _cluster_arguments(parser, "its namespace", "default")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser.parse_args(argv)


def _cluster_arguments(parser: argparse.ArgumentParser, help_text: str, namespace: str) -> None:
    parser.add_argument("--kubeconfig", help="default: $KUBECONFIG, or the pod's own account")
    parser.add_argument("-n", "--namespace", default=namespace, help=help_text)


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("must lie between 1 and 3600 seconds")
    return value


def _address(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not (host and separator and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return text


def _own_namespace() -> str:
    if name := os.environ.get("POD_NAMESPACE"):
        return name
    return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else "default"


def _refuse(sentence: str, code: int = EXIT_USAGE) -> int:
    sys.stderr.write(f"holdpoint: {sentence}\n")
    return code
