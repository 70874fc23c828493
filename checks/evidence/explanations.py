"""What the tree shows about explanations: computed in code, kept as a file, given to callers.

Used by `model_interpretability`. Python is read as syntax trees (notebooks are not): a library
counts where it is called; an import or a line of a requirements file alone is weaker and named as
such. A module of the repository that has a library's name is not that library. No points here.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from checks.evidence import api_docs
from checks.report import Evidence, Location, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.evidence.manifests import Manifests
    from checks.evidence.python_code import Module
    from checks.evidence.repository import Repository

Found = tuple[str, Evidence]
# What the field calls SHAP and LIME, in the libraries that practitioners use them from.
EXPLAINERS = re.compile(
    r"(?:shap|lime|fasttreeshap|shapash|acv_explainers)\.(?!initjs|datasets|utils|__version__)"
    r"|captum\.attr\.(?:Lime|LimeBase|KernelShap|GradientShap|DeepLiftShap|ShapleyValue\w*)$"
    r"|alibi\.explainers\.(?:\w+\.)*(?:KernelShap|TreeShap)$|mlflow\.shap\."
    r"|interpret\.blackbox\.(?:\w+\.)*(?:ShapKernel|LimeTabular)$"
)
METHODS = re.compile(
    r"sklearn\.inspection\.(?:permutation_importance|partial_dependence|plot_partial_dependence"
    r"|PartialDependenceDisplay\.\w+)$"
    r"|sklearn\.tree\.(?:export_text|plot_tree|export_graphviz)$"
    r"|(?:xgboost|lightgbm|catboost)\.(?:plotting\.)?(?:plot_importance|plot_tree)$"
    r"|(?:captum\.attr|eli5|alibi\.explainers|interpret|dalex|pdpbox|PyALE|alepython|dice_ml|skater"
    r"|tf_explain|rfpimp|treeinterpreter|quantus|zennit|pytorch_grad_cam)\."
)
_METHOD_CALLS = frozenset(
    {
        "get_feature_importance",
        "feature_importance",
        "get_fscore",
        "varimp",
        "calc_feature_statistics",
    }
)
_NATIVE = frozenset({"feature_importances_", "coef_", "importances_mean"})
_CONTRIBUTIONS = frozenset({"pred_contribs", "pred_contrib"})  # SHAP values of XGBoost and LightGBM
_EXPLAINS = re.compile(
    r"importance|explanation|explain(?!ed)|attributions|partial.dependence"
    r"|(?<![a-z])(?:shap|lime|pdp)(?![a-z])",
    re.IGNORECASE,
)
_WRITERS = frozenset(
    {
        *("dump", "to_csv", "to_json", "to_parquet", "to_pickle", "to_feather", "to_excel"),
        *("save", "savez", "savetxt", "savefig", "write_text", "write_bytes", "write_html"),
        *("write_image", "save_html", "save_to_file", "log_artifact", "log_artifacts", "log_dict"),
        *("log_figure", "log_table", "log_text", "log_image", "log_explanation"),
    }
)
_SERVERS = frozenset(
    {
        *("http", "fastapi", "flask", "starlette", "aiohttp", "tornado", "falcon", "sanic"),
        *("quart", "bottle", "django", "litestar", "robyn", "ninja", "apiflask", "ray"),
    }
)
_PATH = re.compile(
    r"/(?:[\w{}<>:.-]+/)*[\w-]*(?:explain|explanation|importances?|attributions|shap(?!e)|lime)"
    r"[\w-]*(?:/[\w{}<>:/-]*)?",
    re.IGNORECASE,
)

# Modules that shadow an installed one when the code runs from the root or from src/.
_OWN = re.compile(r"(?:src/)?(\w+)(?:/__init__)?\.py")


def from_code(modules: Sequence[Module]) -> Iterator[Found]:
    """What the code does outside its tests."""
    own = {match[1] for module in modules if (match := _OWN.fullmatch(module.path))}
    for module in modules:
        if module.is_test:
            continue
        foreign = {dotted.partition(".")[0] for dotted in module.names.values()} - own
        yield from _imports(module, foreign)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                yield from _call(module, node, foreign)
            elif isinstance(node, ast.Attribute) and _is_native(node):
                yield _found("methods.code", module, node, f"{node.attr} is read")
        yield from _served(module, foreign)


def from_api(repository: Repository, modules: Sequence[Module]) -> Iterator[Found]:
    """Operations of OpenAPI documents, unless the code mentions the others and not these."""
    said = {text for module in modules if not module.is_test for text in module.strings()}
    for path, document in api_docs.valid(repository):
        known = any(each in said for each, _ in (document.get("paths") or document).items())
        for each, method, operation in api_docs.operations(document):
            if _PATH.fullmatch(each[:300]) and (each in said or not known):
                where = Location(path, operation.line)
                what = f"{method.upper()} {each[:80]} in {path}"
                yield "served.endpoint", Evidence("endpoint", State.FOUND, what, where)


def from_manifests(kubernetes: Manifests) -> Iterator[Found]:
    """Explainers that are deployed beside the model (KServe, Seldon)."""
    for each in kubernetes.objects:
        if each.kind not in {"InferenceService", "SeldonDeployment"}:
            continue
        for node in each.node.walk():
            explainer = node.get("explainer")
            if explainer is not None and explainer.mapping:
                where = Location(each.path, node.line_of("explainer"))
                what = f"an explainer in {each.kind} {each.name}"
                yield "served.endpoint", Evidence("explainer", State.FOUND, what, where)


def _imports(module: Module, foreign: set[str]) -> Iterator[Found]:
    for dotted in module.names.values():
        root = dotted.partition(".")[0]
        if root in foreign and EXPLAINERS.match(f"{root}.Explainer"):
            where = Location(module.path, module.line_of_import(dotted))
            yield "shap.named", Evidence("import", State.FOUND, f"{root} is imported", where)


def _call(module: Module, node: ast.Call, foreign: set[str]) -> Iterator[Found]:
    dotted = module.dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else dotted
    if dotted.partition(".")[0] in foreign:
        if EXPLAINERS.match(dotted):
            yield _found("shap.used", module, node, dotted)
        elif METHODS.match(dotted):
            yield _found("methods.code", module, node, dotted)
    if last in _METHOD_CALLS:
        yield _found("methods.code", module, node, last)
    for keyword in node.keywords:
        given = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if (keyword.arg in _CONTRIBUTIONS and given is True) or given == "ShapValues":
            yield _found("shap.used", module, node, f"{last} gives SHAP values")
    if last in _WRITERS and _is_about_explanations(node):
        yield _found("stored.any", module, node, f"{last} writes explanations")


def _is_native(node: ast.Attribute) -> bool:
    return node.attr in _NATIVE and isinstance(node.ctx, ast.Load)


def _is_about_explanations(call: ast.Call) -> bool:
    """Whether what is written, or where to, is called something like an explanation."""
    for node in ast.walk(call):
        named = (
            node.id if isinstance(node, ast.Name)
            else node.attr if isinstance(node, ast.Attribute)
            else node.value if isinstance(node, ast.Constant)
            else None
        )  # fmt: skip
        if isinstance(named, str) and _EXPLAINS.search(named[:300].replace("_", " ")):
            return True
    return False


def _served(module: Module, foreign: set[str]) -> Iterator[Found]:
    if not foreign & _SERVERS:
        return
    for node in ast.walk(module.tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Constant) and isinstance(text, str) and _PATH.fullmatch(text[:300]):
            yield _found("served.endpoint", module, node, f"{text[:80]} is answered")


def _found(item: str, module: Module, node: ast.expr, what: str) -> Found:
    where = Location(module.path, node.lineno)
    return item, Evidence(item.partition(".")[2], State.FOUND, what, where)
