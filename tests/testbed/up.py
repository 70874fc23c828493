"""A cluster for a person: everything started, and two ports of 127.0.0.1 that lead to it."""

from __future__ import annotations

import contextlib
import signal
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import forward, kubeconfig, netns
from tests.testbed.control_plane import ControlPlane
from tests.testbed.gateway import Gateway
from tests.testbed.kubelet.kubelet import Kubelet
from tests.testbed.oci import ImageStore
from tests.testbed.registry import Registry


@dataclass(frozen=True)
class _Door:
    """One server's way out: a TCP port outside and a unix socket in between."""

    listener: socket.socket
    path: Path

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def open_outside(self) -> None:
        forward.forward(self.listener, forward.to_unix(self.path))

    def open_inside(self, host: str, port: int) -> None:
        forward.forward(forward.unix_listener(self.path), forward.to_tcp(host, port))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _serve(folder: Path, images: Path, api: _Door, web: _Door) -> int:
    """Runs inside: start everything, say how to reach it, stay until interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    data = folder / "cluster"
    data.mkdir()
    store = ImageStore(images)
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        cluster = stack.enter_context(ControlPlane(data))
        stack.enter_context(Kubelet(cluster, store, folder / "kubelet"))
        gateway = stack.enter_context(Gateway(cluster))
        registry = stack.enter_context(Registry(store))
        cluster.wait_for_controllers()
        api.open_inside("127.0.0.1", cluster.port)
        web.open_inside(gateway.host, gateway.port)
        file = kubeconfig.write(
            folder / "kubeconfig",
            f"https://127.0.0.1:{api.port}",
            cluster.ca.certificate,
            cluster.admin,
        )
        print(f"export KUBECONFIG={file}")
        print(f"# gateway:   http://127.0.0.1:{web.port} (parentRef testbed-gateway/testbed)")
        print(f"# images:    {images} (an OCI layout; in the cluster {registry.address})")
        print(f"# log files: {data}")
        print("# Ctrl-C ends the cluster and removes it.", flush=True)
        threading.Event().wait()
    return 0


def up(images: Path | None) -> int:
    """Run a cluster until Ctrl-C. `images` is an OCI layout for its pods, made when missing."""
    with tempfile.TemporaryDirectory(prefix="testbed-up-") as name:
        folder = Path(name)
        layout = images or folder / "images"
        layout.mkdir(parents=True, exist_ok=True)
        doors = [_Door(forward.tcp_listener(), folder / f"{part}.sock") for part in ("api", "web")]

        def outside() -> None:
            for door in doors:
                door.open_outside()

        return netns.run(lambda: _serve(folder, layout, *doors), beside=outside)
