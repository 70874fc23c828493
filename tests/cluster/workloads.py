"""Images and manifests that several of these tests run."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# Answers with its name; /ready and /healthy follow the files /tmp/unready and /tmp/unhealthy, which
# /touch?NAME makes. Ends in order on SIGTERM.
SERVER = b"""
import http.server, os, signal, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one segment, or each answer waits 40 ms for an ACK

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/touch":
            open(f"/tmp/{query}", "w").close()
        bad = {"/ready": "unready", "/healthy": "unhealthy"}.get(path)
        self.send_response(503 if bad and os.path.exists(f"/tmp/{bad}") else 200)
        body = os.environ.get("NAME", "").encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

server = Server((os.environ["POD_IP"], 8080), Handler)

def end(number, frame):
    print("ending in order", flush=True)
    threading.Thread(target=server.shutdown).start()

signal.signal(signal.SIGTERM, end)
print("serving as", os.environ.get("NAME"), flush=True)
server.serve_forever()
"""
# Ends with code 3 at once.
CRASHER = b"import sys; print('crashing', flush=True); sys.exit(3)"
SERVER_FILES = {"/app/serve.py": SERVER}
SERVER_COMMAND = ("python3", "-S", "/app/serve.py")


def pod_ip_env(name: str) -> list[Json]:
    field = {"fieldRef": {"fieldPath": "status.podIP"}}
    return [{"name": "NAME", "value": name}, {"name": "POD_IP", "valueFrom": field}]


def server_container(image: str, name: str = "web", **more: Any) -> Json:
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    return {
        "name": "server",
        "image": image,
        "env": pod_ip_env(name),
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": probe,
        **more,
    }


def pod(name: str, container: Json, **spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [container], **spec},
    }


def deployment(name: str, container: Json, replicas: int = 1, **spec: Any) -> Json:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], **spec},
            },
        },
    }


def service(name: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }


def http_route(name: str, hostname: str, parent: Json, weights: dict[str, int]) -> Json:
    backends = [{"name": to, "port": 80, "weight": weight} for to, weight in weights.items()]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [parent],
            "hostnames": [hostname],
            "rules": [{"backendRefs": backends}],
        },
    }


def is_ready(pod: Json) -> bool:
    conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"
