"""What code and model do to the data: preparation, validation, missing values, scaling, outliers.

Used by the data_quality check. The model file counts first, because what it holds is what serves;
code outside the tests counts where something is called, not where it is imported. Trees compare one
feature at a time with a bound, so scaling changes none of their answers (Breiman et al. 1984,
Classification and Regression Trees). Some estimators take missing values as they are.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from checks.evidence import model_parts
from checks.report import Evidence, Location, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.evidence.model_runs import ModelFile
    from checks.evidence.python_code import Module
    from checks.items import Found

# What the model file holds, by dotted name.
IN_MODEL: Mapping[str, re.Pattern[str]] = {
    "preprocessing.saved": re.compile(
        r"^sklearn\.(?:compose|preprocessing|impute|feature_extraction|feature_selection"
        r"|decomposition)\.|^(?:category_encoders|feature_engine|sklearn_pandas)\."
        r"|^onnx\.(?:Imputer|Scaler|Normalizer|OneHotEncoder|FeatureVectorizer|TfIdfVectorizer)$"
    ),
    "missing.handled": re.compile(
        r"^sklearn\.impute\.|\.HistGradientBoosting|^(?:xgboost|lightgbm|catboost)\."
        r"|^feature_engine\.imputation\.|^onnx\.Imputer$"
    ),
    "scaling.done": re.compile(
        r"\.(?:Standard|MinMax|MaxAbs|Robust)Scaler$|\.(?:Quantile|Power)Transformer$"
        r"|^sklearn\.preprocessing\._data\.Normalizer$"
        r"|^onnx\.(?:Scaler|Normalizer|BatchNormalization|LayerNormalization)$"
        r"|^torch\.nn\.modules\.(?:batchnorm|normalization)\."
    ),
    "outliers.handled": re.compile(
        r"\.RobustScaler$|\.QuantileTransformer$|\.KBinsDiscretizer$|^feature_engine\.outliers\."
        r"|\.IsolationForest$|\.LocalOutlierFactor$|\.EllipticEnvelope$|^onnx\.Clip$"
    ),
}
TREES = re.compile(
    r"^sklearn\.(?:tree\.|ensemble\._(?:forest|gb|hist_gradient_boosting)\.)"
    r"|^(?:xgboost|lightgbm|catboost)\.|^onnx\.TreeEnsemble"
)
OTHER_MODELS = re.compile(
    r"^sklearn\.(?:linear_model|svm|neighbors|neural_network|gaussian_process|discriminant_analysis"
    r"|naive_bayes|cluster|mixture)\.|^torch\.|^onnx\.(?:Linear|SVM|Gemm|MatMul|Conv)"
)
# What the code calls, by the end of its dotted name.
CALLED: Mapping[str, re.Pattern[str]] = {
    "missing.handled": re.compile(
        r"(?:^|\.)(?:fillna|dropna|ffill|bfill|interpolate|nan_to_num|drop_nulls|fill_null|fill_nan"
        r"|SimpleImputer|KNNImputer|IterativeImputer|HistGradientBoosting(?:Classifier|Regressor)"
        r"|XGB(?:Classifier|Regressor)|LGBM(?:Classifier|Regressor))$"
    ),
    "scaling.done": re.compile(
        r"(?:^|\.)(?:(?:Standard|MinMax|MaxAbs|Robust)Scaler|(?:Quantile|Power)Transformer|zscore"
        r"|BatchNorm[123]d|LayerNorm|transforms\.(?:v2\.)?Normalize|layers\.Normalization"
        r"|preprocessing\.(?:scale|minmax_scale|robust_scale|normalize))$"
    ),
    "outliers.handled": re.compile(
        r"(?:^|\.)(?:clip|winsorize|zscore|between|RobustScaler|QuantileTransformer|Winsorizer"
        r"|IsolationForest|LocalOutlierFactor|EllipticEnvelope|ArbitraryOutlierCapper)$"
    ),
}
SCHEMAS = frozenset(
    {
        *("pandera", "great_expectations", "pydantic", "jsonschema", "cerberus", "marshmallow"),
        *("tensorflow_data_validation", "deepchecks", "frictionless", "pointblank", "patito"),
        *("voluptuous", "schema", "msgspec", "dataframely", "soda", "fastjsonschema"),
    }
)
_CHECKS = re.compile(r"valid|check|verif|assert|ensure|expect|schema|sanit|guard", re.IGNORECASE)
_LOOKS = frozenset(
    {
        *("isna", "isnull", "notna", "notnull", "isnan", "isfinite", "duplicated", "isin"),
        *("between", "dtype", "dtypes", "columns", "nunique", "is_unique", "issubset", "hasnans"),
    }
)
_LOADS = re.compile(r"(?:^|\.)(?:joblib|pickle|cloudpickle|dill|skops\.io|torch)\.loads?$")


def collect(model: ModelFile, modules: Sequence[Module]) -> dict[str, tuple[Evidence, ...]]:
    """Evidence by item and part."""
    parts = sorted(model_parts.names(model.path, model.payload))
    shipped = [module for module in modules if not module.is_test]
    found: dict[str, list[Evidence]] = {item: [] for item in (*IN_MODEL, "validation.step")}
    for item, pattern in IN_MODEL.items():
        names = [name for name in parts if pattern.search(name)]
        if names:
            found[item].append(_in_model(model.path, names))
    if not found["scaling.done"] and _only_trees(parts):
        said = "the model is made of trees, whose answers scaling does not change"
        where = Location(model.path)
        found["scaling.done"].append(Evidence("scaling", State.FOUND, said, where))
    for module in shipped:
        for item, pattern in CALLED.items():
            found[item] += _called(module, pattern)
        found["preprocessing.saved"] += _applied(module)
        for each in _scaled(module):
            found["preprocessing.saved"].append(each)
            found["scaling.done"].append(each)
        found["validation.step"] += _validated(module)
    return {item: tuple(each) for item, each in found.items()}


def _in_model(path: str, names: list[str]) -> Evidence:
    shown = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in names[:4]))
    return Evidence("model", State.FOUND, f"{shown} in the model file", Location(path))


def _only_trees(parts: Sequence[str]) -> bool:
    return any(map(TREES.search, parts)) and not any(map(OTHER_MODELS.search, parts))


def _called(module: Module, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = name_of(module, node)
            if pattern.search(name):
                yield _at(module, node.lineno, f"{name[-60:]}()")


def name_of(module: Module, call: ast.Call) -> str:
    """The dotted name of what is called; of a method of an expression, the method's name."""
    if isinstance(call.func, ast.Attribute):
        return module.dotted(call.func) or f".{call.func.attr}"
    return module.dotted(call.func)


def _applied(module: Module) -> Iterator[Evidence]:
    """Where a saved preparation is loaded and applied beside the model."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    if not any(_LOADS.search(module.dotted(call.func)) for call in calls):
        return
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "transform":
            yield _at(module, call.lineno, "a saved preparation is loaded and applied")


def _scaled(module: Module) -> Iterator[Evidence]:
    """Networks whose own code shifts or divides what it is given before their first layer."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        if not any(module.dotted(base).endswith("nn.Module") for base in node.bases):
            continue
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name == "forward":
                given = {argument.arg for argument in each.args.args[1:]}
                if any(_scales(inner, given) for inner in ast.walk(each)):
                    said = f"{node.name[:60]}.forward() scales what it is given"
                    yield _at(module, each.lineno, said)


def _scales(node: ast.AST, given: set[str]) -> bool:
    """`given.reshape(...) / 16` or `given - self.mean`; a division of a layer's answer is none."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div | ast.Sub):
        return False
    by, root = node.right, node.left
    own = isinstance(by, ast.Attribute) and getattr(by.value, "id", "") == "self"
    number = isinstance(by, ast.Constant) and isinstance(by.value, int | float)
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    return (own or number) and isinstance(root, ast.Name) and root.id in given


def _validated(module: Module) -> Iterator[Evidence]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Call():
                library = _library(module.dotted(node.func))
            case ast.ClassDef():
                library = next(filter(None, (_library(module.dotted(b)) for b in node.bases)), "")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if _checks_rows(node):
                    yield _at(module, node.lineno, f"{node.name[:60]}() refuses what is wrong")
                continue
            case _:
                continue
        if library:
            yield _at(module, node.lineno, f"a schema of {library}")


def _library(dotted: str) -> str:
    root = dotted.partition(".")[0]
    return root if root in SCHEMAS and "." in dotted else ""


def _checks_rows(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A function that is named like a check, looks at columns, and can refuse."""
    if not _CHECKS.search(function.name):
        return False
    nodes = list(ast.walk(function))
    refuses = any(isinstance(node, ast.Raise | ast.Assert) for node in nodes)
    return refuses and any(isinstance(n, ast.Attribute) and n.attr in _LOOKS for n in nodes)


def _at(module: Module, line: int, what: str) -> Evidence:
    return Evidence("found", State.FOUND, what, Location(module.path, line))


def found_any(found: Found, item: str) -> bool:
    """Whether there is evidence for an item."""
    return any(each.state is State.FOUND for each in found.get(item, ()))
