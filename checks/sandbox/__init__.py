"""The room that meets untrusted models and data files: a child that is locked before it sees them.

`ModelSession` loads one model and asks it for predictions; `DataSession` parses data files. Only
plain arrays come back. The callers are the model adapters and the collectors of model runs.
"""

from checks.sandbox.code import Code
from checks.sandbox.errors import Kind, ModelFailed, SandboxError, SandboxUnavailable
from checks.sandbox.limits import LAYER_NAMES, Layers, Limits
from checks.sandbox.session import DataSession, ModelSession
from checks.sandbox.sniff import describe_bytes
from checks.sandbox.table import Column, LoadInfo, Prediction, Table, column_of

__all__ = [
    "LAYER_NAMES",
    "Code",
    "Column",
    "DataSession",
    "Kind",
    "Layers",
    "Limits",
    "LoadInfo",
    "ModelFailed",
    "ModelSession",
    "Prediction",
    "SandboxError",
    "SandboxUnavailable",
    "Table",
    "column_of",
    "describe_bytes",
]
