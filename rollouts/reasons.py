"""Reason codes: the frozen list of why something happened, one spelling everywhere.

The same code appears in `status.reason`, Events, RolloutRequests, Slack messages, JSON logs and
metrics. A code is never renamed or reused; docs/reference/reasons.md is checked against this list.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why the controller did, or did not do, something."""

    # Progress
    INITIAL_REVISION = "InitialRevision"
    CANDIDATE_STARTED = "CandidateStarted"
    WAITING_FOR_PODS = "WaitingForPods"
    WEIGHT_ASKED = "WeightAsked"
    WEIGHT_CONFIRMED = "WeightConfirmed"
    WAITING_FOR_GATEWAY = "WaitingForGateway"
    SOAKING = "Soaking"
    HOLDING_AT_WEIGHT = "HoldingAtWeight"
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence"
    PROMOTING = "Promoting"
    BAKING = "Baking"
    PROMOTED = "Promoted"
    UP_TO_DATE = "UpToDate"
    # Taking back
    CANDIDATE_WORSE = "CandidateWorse"
    LIMIT_BREACHED = "LimitBreached"
    PROGRESS_DEADLINE = "ProgressDeadlineExceeded"
    ROLLBACK_REQUESTED = "RollbackRequested"
    SPEC_CHANGED = "SpecChanged"
    ROLLED_BACK = "RolledBack"
    ABORT_NOT_CONFIRMED = "AbortNotConfirmed"
    # Refusals and waiting on people
    AWAITING_REQUEST = "AwaitingRequest"
    REQUEST_EXPIRED = "RequestExpired"
    REQUEST_STALE = "RequestStale"
    REQUEST_INVALID = "RequestInvalid"
    EVIDENCE_MISSING = "EvidenceMissing"
    EVIDENCE_EXPIRED = "EvidenceExpired"
    EVIDENCE_MISMATCH = "EvidenceMismatch"
    IMAGE_NOT_BY_DIGEST = "ImageNotByDigest"
    REVISION_REJECTED = "RevisionRejected"
    NOTHING_TO_PROMOTE = "NothingToPromote"
    NOTHING_TO_ROLL_BACK = "NothingToRollBack"
    ROLLOUT_IN_PROGRESS = "RolloutInProgress"
    TARGET_NOT_FOUND = "TargetNotFound"
    # What is wrong with the surroundings
    SPEC_INVALID = "SpecInvalid"
    STATUS_CORRUPT = "StatusCorrupt"
    ROUTE_MISSING = "RouteMissing"
    ROUTE_NOT_ACCEPTED = "RouteNotAccepted"
    ROUTE_EDITED = "RouteEdited"
    STABLE_NOT_READY = "StableNotReady"
    # What the analysis found, beside CandidateWorse, LimitBreached and NotEnoughEvidence
    CANDIDATE_FINE = "CandidateFine"
    # More of taking back
    CANDIDATE_NOT_READY = "CandidateNotReady"
    # The analysis's doubt about what it was given
    SAMPLE_RATIO_MISMATCH = "SampleRatioMismatch"
    # What the strategies wait for beside pods, gateways and evidence
    AWAITING_PROMOTION = "AwaitingPromotion"
    WAITING_FOR_CHECKS = "WaitingForChecks"
    CHECKS_FAILED = "ChecksFailed"
    MAKING_ROOM = "MakingRoom"
    # What people ask for
    PAUSED = "Paused"
    RESUMED = "Resumed"
    ABORT_REQUESTED = "AbortRequested"
    RETRY_REQUESTED = "RetryRequested"
    NOTHING_TO_PAUSE = "NothingToPause"
    NOTHING_TO_RESUME = "NothingToResume"
    NOTHING_TO_ABORT = "NothingToAbort"
    NOTHING_TO_RETRY = "NothingToRetry"
    REVISION_UNKNOWN = "RevisionUnknown"
    NOTED = "Noted"
    # Waiting for consent
    AWAITING_APPROVAL = "AwaitingApproval"
    REQUEST_REJECTED = "RequestRejected"
