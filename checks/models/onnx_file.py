"""Graphs in the ONNX format, run by onnxruntime. Loading one runs nothing."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="onnx",
    suffixes=(".onnx",),
    loader="onnx",
    imports=("numpy",),
    requires=("onnxruntime",),
    extra="holdpoint[onnx]",
)
