"""What the usual gateways and meshes count, as PromQL selectors of cumulative counters.

A table, used by the `Prometheus` provider: one row for each `preset`. `{{namespace}}`,
`{{service}}` and `{{revision}}` are filled in by `fill`, which refuses everything that is no name
of Kubernetes: what goes into a query must not be able to end a string or a selector. (A revision's
Service and Deployment have its name.) Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.metrics.interface import MetricError, Trouble

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_PLACE = re.compile(r"\{\{\s*([a-zA-Z]*)\s*\}\}")


@dataclass(frozen=True)
class Preset:
    """Selectors without braces around the labels: (metric, labels). `unit`: seconds of one `le`."""

    requests: tuple[str, str]
    errors: tuple[str, str]
    latency: tuple[str, str] | None = None
    unit: float = 1.0


# https://doc.traefik.io/traefik/observability/metrics/overview/; the Gateway API provider names a
# Service's part NAMESPACE-SERVICE-http-PORT@kubernetesgateway.
_TRAEFIK = 'service=~"{{namespace}}-{{service}}-http-[0-9]+@kubernetesgateway"'
# https://istio.io/latest/docs/reference/config/metrics/; the caller's side also sees what never
# reached a pod.
_ISTIO = (
    'reporter="source",destination_service_namespace="{{namespace}}",'
    'destination_service_name="{{service}}"'
)
# https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/; needs honorLabels: true.
_NGINX = 'namespace="{{namespace}}",service="{{service}}"'
# https://linkerd.io/2/reference/proxy-metrics/; the pods' side, by their Deployment.
_LINKERD = 'direction="inbound",namespace="{{namespace}}",deployment="{{revision}}"'

PRESETS: Mapping[str, Preset] = {
    "Traefik": Preset(
        requests=("traefik_service_requests_total", _TRAEFIK),
        errors=("traefik_service_requests_total", f'{_TRAEFIK},code=~"5.."'),
        latency=("traefik_service_request_duration_seconds_bucket", _TRAEFIK),
    ),
    "Istio": Preset(
        requests=("istio_requests_total", _ISTIO),
        errors=("istio_requests_total", f'{_ISTIO},response_code=~"5..|0"'),
        latency=("istio_request_duration_milliseconds_bucket", _ISTIO),
        unit=0.001,
    ),
    "NGINX": Preset(
        requests=("nginx_ingress_controller_requests", _NGINX),
        errors=("nginx_ingress_controller_requests", f'{_NGINX},status=~"5.."'),
        latency=("nginx_ingress_controller_request_duration_seconds_bucket", _NGINX),
    ),
    "Linkerd": Preset(
        requests=("response_total", _LINKERD),
        errors=("response_total", f'{_LINKERD},classification="failure"'),
        latency=("response_latency_ms_bucket", _LINKERD),
        unit=0.001,
    ),
}
# What a pod counts itself, scraped with its namespace and name as labels. A Deployment's pods are
# called after it, a hash and five characters.
APPLICATION = 'namespace="{{namespace}}",pod=~"{{revision}}-[a-z0-9]+-[a-z0-9]+"'


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled in. Raises MetricError (SPEC_INVALID): an unknown place,
    or a value that is no DNS label."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in values:
            known = ", ".join(f"{{{{{known}}}}}" for known in values)
            raise _invalid(f"{found.group(0)} is unknown; a query may hold {known}")
        if not _NAME.fullmatch(values[name]):
            raise _invalid(f"the {name} {values[name]!r:.80} may not go into a query")
        return values[name]

    return _PLACE.sub(value, template)


def _invalid(sentence: str) -> MetricError:
    return MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.prometheus: {sentence}")
