"""What a model file is made of, by name, without loading it: steps of preparation, kinds of model.

Used by the data_quality check. Pickles are walked (`pickles`), skops archives name their classes in
a JSON file, ONNX graphs name their operators in plain bytes. A format that says nothing of the kind
gives nothing, which is no proof of absence.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from checks.evidence import pickles

MOST_SCHEMA = 16 << 20  # bytes of a skops archive's description
_PICKLED = (".pkl", ".pickle", ".joblib", ".pt", ".pth")
_CLASS = re.compile(rb'"__class__":\s*"(\w{1,100})"(?:(?!"__class__").){0,2000}?'
                    rb'"__module__":\s*"([\w.]{1,200})"', re.DOTALL)  # fmt: skip
_OPERATOR = re.compile(
    rb"\x22.(Imputer|Scaler|Normalizer|OneHotEncoder|LabelEncoder|FeatureVectorizer|TfIdfVectorizer"
    rb"|BatchNormalization|LayerNormalization|InstanceNormalization|Clip|TreeEnsembleClassifier"
    rb"|TreeEnsembleRegressor|LinearClassifier|LinearRegressor|SVMClassifier|SVMRegressor|Gemm"
    rb"|MatMul|Conv)(?=[\x22\x2a\x3a\x32\x12\x0a\x1a])",
    re.DOTALL,
)


def names(path: str, payload: bytes) -> frozenset[str]:
    """Dotted names such as `sklearn.preprocessing._data.StandardScaler` or `onnx.Scaler`."""
    lower = path.lower()
    if lower.endswith(_PICKLED):
        return frozenset(map(str, pickles.look(payload).imports))
    if lower.endswith(".skops"):
        return _skops(payload)
    if lower.endswith(".onnx"):
        return frozenset(f"onnx.{each.decode()}" for each in _OPERATOR.findall(payload))
    return frozenset()


def _skops(payload: bytes) -> frozenset[str]:
    try:
        with zipfile.ZipFile(BytesIO(payload)) as archive, archive.open("schema.json") as file:
            text = file.read(MOST_SCHEMA)
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return frozenset()
    return frozenset(f"{module.decode()}.{name.decode()}" for name, module in _CLASS.findall(text))
