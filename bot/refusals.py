"""Every "no" of the bot: a frozen list of codes, and the shape that a refusal has for people.

Used by the grammar, the policy, the gate and the verbs. A code is never renamed or reused; it
appears the same in Slack, in the audit log and in the reference. The controller's own refusals
keep their spelling from `rollouts.reasons` and are not repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """Why the bot did not do what somebody typed."""

    # The text
    TEXT_UNREADABLE = "TextUnreadable"
    UNKNOWN_VERB = "UnknownVerb"
    UNKNOWN_ARGUMENT = "UnknownArgument"
    UNEXPECTED_ARGUMENT = "UnexpectedArgument"
    MISSING_WEIGHT = "MissingWeight"
    BAD_WEIGHT = "BadWeight"
    UNKNOWN_TARGET = "UnknownTarget"
    MISSING_TARGET = "MissingTarget"
    MISSING_ENVIRONMENT = "MissingEnvironment"
    MISSING_REASON = "MissingReason"
    BAD_DURATION = "BadDuration"
    # The person
    OTHER_TEAM = "OtherTeam"
    STRANGER = "StrangerUser"
    BOT_USER = "BotUser"
    DELETED_USER = "DeletedUser"
    GUEST = "GuestUser"
    NOT_ALLOWED = "NotAllowed"
    PERSON_NOT_VERIFIED = "PersonNotVerified"
    # The moment
    LOCKED = "Locked"
    ALREADY_LOCKED = "AlreadyLocked"
    NOT_LOCKED = "NotLocked"
    NOT_YOUR_LOCK = "NotYourLock"
    FROZEN = "Frozen"
    NOT_FROZEN = "NotFrozen"
    WINDOW_CLOSED = "WindowClosed"
    OUT_OF_ORDER = "OutOfOrder"
    WEIGHT_ABOVE_SCORE = "WeightAboveScore"
    # Consent
    NOTHING_TO_APPROVE = "NothingToApprove"
    SELF_APPROVAL = "SelfApproval"
    AUTHOR_APPROVAL = "AuthorApproval"
    AUTHOR_UNKNOWN = "AuthorUnknown"
    APPROVED_ALREADY = "ApprovedAlready"
    APPROVAL_CLOSED = "ApprovalClosed"
    APPROVAL_EXPIRED = "ApprovalExpired"
    APPROVAL_OF_OTHER = "ApprovalOfOther"
    CONFIGURATION_CHANGED = "ConfigurationChanged"
    REJECTED = "Rejected"
    # A button
    BUTTON_STALE = "ButtonStale"
    # The evidence
    COMMIT_NOT_FOUND = "CommitNotFound"
    NOT_JUDGED = "NotJudged"
    CHECK_FROM_OTHER_APP = "CheckFromOtherApp"
    CHECK_NOT_FINISHED = "CheckNotFinished"
    NOT_READY = "NotReady"
    RECORD_UNREADABLE = "RecordUnreadable"
    RECORD_MISMATCH = "RecordMismatch"
    SCORE_TOO_LOW = "ScoreTooLow"
    EVIDENCE_EXPIRED = "EvidenceExpired"
    # The image
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_UNREADABLE = "ImageUnreadable"
    MODEL_NOT_IN_IMAGE = "ModelNotInImage"
    MODEL_NOT_JUDGED = "ModelNotJudged"
    # The surroundings
    TARGET_NOT_FOUND = "TargetNotFound"
    NOTHING_TO_PROMOTE = "NothingToPromote"
    NOTHING_TO_ROLL_BACK = "NothingToRollBack"
    NOTHING_TO_STOP = "NothingToStop"
    UNKNOWN_REVISION = "UnknownRevision"
    CHANNEL_NOT_USABLE = "ChannelNotUsable"
    REQUEST_NOT_ACCEPTED = "RequestNotAccepted"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    GITHUB_UNAVAILABLE = "GitHubUnavailable"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    SLACK_UNAVAILABLE = "SlackUnavailable"
    BUSY = "Busy"
    STOPPING = "Stopping"
    INTERNAL_ERROR = "InternalError"


@dataclass(frozen=True)
class Denial:
    """A refusal for people. Each field is one sentence (or two) of Slack mrkdwn, already escaped.

    `rule` says what stands in the way, `who` names who could change that, `then` what to do next.
    """

    code: Refusal
    rule: str
    who: str
    then: str


class Refused(Exception):  # noqa: N818 - reads as the answer it is
    """Carries a Denial from where it arose to the one place that tells the person and the log."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(f"{denial.code}: {denial.rule}")
        self.denial = denial


def refuse(code: Refusal, rule: str, *, who: str, then: str) -> Refused:
    """A Refused to raise, spelt out."""
    return Refused(Denial(code, rule, who, then))
