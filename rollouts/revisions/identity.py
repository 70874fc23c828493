"""What a revision is named by: a hash of what the user put into its pods.

Used by the engine to tell revisions apart. Replicas, strategy and analysis are no part of it, nor
is the version of our builder: scaling, or upgrading Holdpoint, rolls nothing out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_object, dig_text
from rollouts.model import Revision
from rollouts.revisions.pods import BUILDER_VERSION

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Request, Spec

HASH_LENGTH = 8


def template_inputs(spec: Spec, request: Request | None = None) -> JsonObject:
    """The fields that name a revision: the spec's, or with a request's image and model instead.

    The model's version is the author's word for what the spec names, so it is left out where a
    request names something else.
    """
    if request is None or not request.image:
        return dict(spec.template)
    model = dig_object(spec.template, "model")
    asked = {"digest": request.model_digest, "commit": request.commit}
    named = {key: value for key, value in asked.items() if value}
    same = request.image == spec.image and all(model.get(key) == named[key] for key in named)
    kept = model if same else {key: model[key] for key in ("name",) if key in model}
    return {**spec.template, "image": request.image, "model": {**kept, **named}}


def revision_of(deployment_name: str, inputs: JsonObject) -> Revision:
    """The revision of these inputs."""
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:HASH_LENGTH]
    return Revision(
        name=f"{deployment_name}-{digest}",
        hash=digest,
        image=dig_text(inputs, "image"),
        model_digest=dig_text(inputs, "model", "digest"),
        commit=dig_text(inputs, "model", "commit"),
        builder=BUILDER_VERSION,
    )
