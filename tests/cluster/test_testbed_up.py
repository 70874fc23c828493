"""The cluster that a person starts is reached from outside its namespace."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.testbed.kube import Kube

REPOSITORY = Path(__file__).resolve().parents[2]


def read_until(process: subprocess.Popen[str], end: str) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if end in line:
            break
    return "".join(lines)


def test_a_cluster_by_hand_is_usable_and_leaves_nothing_behind() -> None:
    command = [sys.executable, "-m", "tests.testbed", "up"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        output = read_until(process, "Ctrl-C")
        found = re.search(r"export KUBECONFIG=(\S+)", output)
        gateway = re.search(r"http://127\.0\.0\.1:\d+", output)
        assert found, output
        assert gateway, output
        kubeconfig = Path(found[1])
        nodes = Kube.from_kubeconfig(kubeconfig).list("v1/Node")
        assert [node["metadata"]["name"] for node in nodes] == ["testbed-node"]
        try:
            status = urllib.request.urlopen(gateway[0], timeout=10).status
        except urllib.error.HTTPError as error:
            with error:
                status = error.code
        assert status == 404  # Traefik's answer while there is no route
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not kubeconfig.parent.exists()
