"""Opens what torch saves, and safetensors: TorchScript, torch.export, modules and state dicts.

Run as text inside the child, never imported. A state dict holds weights and no code, so it needs a
constructor of the repository. The module is given one float32 tensor, or a tensor for each column
by its name; networks are trained in float32, whatever kind of number the table holds.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import zipfile
from importlib import import_module
from typing import Any

# torch.export wants a place for its cache when it is imported. Nothing can be written, and a folder
# that is there need not be made.
tempfile.tempdir = "/"
os.environ["TORCHINDUCTOR_CACHE_DIR"] = "/"
WEIGHTS = ("state_dict", "model_state_dict", "model", "weights")
WHOLE = ("model", "module", "net")


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


class Module:
    """A torch module that answers as a model does."""

    def __init__(self, module: Any, options: dict[str, Any]) -> None:
        self.module = module
        self.takes_ = "named" if options.get("input") == "named" else "array"
        self.shape = options.get("shape") or []
        names = getattr(module, "feature_names_in_", None)
        if isinstance(names, (list, tuple)):
            self.feature_names_in_ = [str(name) for name in names]

    def predict(self, data: Any) -> Any:
        torch = import_module("torch")
        with torch.inference_mode():
            if isinstance(data, dict):
                answer = self.module(**{name: self.tensor(each) for name, each in data.items()})
            else:
                rows = self.tensor(data)
                answer = self.module(rows.reshape(-1, *self.shape) if self.shape else rows)
        return plain(answer)

    def tensor(self, values: Any) -> Any:
        """float32, but whole numbers of a single column stay what they are: they may be codes."""
        numpy, torch = import_module("numpy"), import_module("torch")
        array = numpy.asarray(values)
        if array.dtype.kind not in "fiub":
            raise Unfit(
                "a column holds text, and a torch model takes numbers; encode it in the data, or "
                "judge the model through a Python entry point that does"
            )
        whole = array.ndim == 1 and array.dtype.kind in "iu"
        return torch.from_numpy(array.astype("int64" if whole else "float32"))


def plain(answer: Any) -> Any:
    """The first tensor of whatever the module gave, with the rows first."""
    if isinstance(answer, dict):
        answer = answer.get("logits", next(iter(answer.values())))
    while isinstance(answer, (tuple, list)) and len(answer):
        answer = answer[0]
    if not hasattr(answer, "detach"):
        return answer
    found = answer.detach().cpu()
    if found.is_floating_point():
        found = found.float()
    return found.flatten(1).numpy() if found.ndim > 2 else found.numpy()


def load(payload: bytes, options: dict[str, Any]) -> Any:
    torch = import_module("torch")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    module = opened(torch, payload, options)
    if callable(getattr(module, "eval", None)):
        # A module of torch.export is what it was exported as.
        with contextlib.suppress(NotImplementedError):
            module.eval()
    return Module(module, options)


def opened(torch: Any, payload: bytes, options: dict[str, Any]) -> Any:
    """The module in the file, however it was saved."""
    kind = archive(payload)
    file = io.BytesIO(payload)
    if kind == "script":
        return torch.jit.load(file, map_location="cpu")
    if kind == "safetensors":
        return built(torch, import_module("safetensors.torch").load(payload), options)
    if kind == "export":
        return import_module("torch.export").load(file).module()
    try:
        found = torch.load(file, map_location="cpu", weights_only=False)
    except (EOFError, RuntimeError) as error:
        if "EOF" in f"{type(error).__name__} {error}":
            raise Unfit("the file is cut off: its tensors end before they should") from error
        raise
    if isinstance(found, torch.nn.Module):
        return found
    if not isinstance(found, dict):
        raise Unfit(f"the file holds a {type(found).__name__}, expected a module or a state dict")
    whole = [found[key] for key in WHOLE if isinstance(found.get(key), torch.nn.Module)]
    return whole[0] if whole else built(torch, weights(torch, found), options)


def archive(payload: bytes) -> str:
    """The kind of file; "" is what `torch.load` reads."""
    if not payload.startswith(b"PK"):
        return "safetensors" if payload[8:9] == b"{" else ""
    try:
        names = zipfile.ZipFile(io.BytesIO(payload)).namelist()
    except zipfile.BadZipFile as error:
        raise Unfit(f"its archive is broken ({error})") from error
    parts = {name.partition("/")[2] for name in names}
    if "constants.pkl" in parts:
        return "script"
    exported = any(
        "models/" in name or name.endswith("serialized_exported_program.json") for name in names
    )
    return "export" if exported else ""


def weights(torch: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The tensors by name, taken out of a checkpoint where they lie in one."""
    for key in WEIGHTS:
        if isinstance(found.get(key), dict):
            return weights(torch, found[key])
    if not found or not all(isinstance(each, torch.Tensor) for each in found.values()):
        keys = ", ".join(str(key)[:30] for key in list(found)[:5])
        raise Unfit(f"the file holds a dictionary without a state dict ({keys})")
    wrapped = all(name.startswith("module.") for name in found)  # saved from DataParallel
    return {name.removeprefix("module.") if wrapped else name: each for name, each in found.items()}


def built(torch: Any, state: dict[str, Any], options: dict[str, Any]) -> Any:
    """The repository's module with these weights."""
    module = construct(options.get("constructor"))()
    if not isinstance(module, torch.nn.Module):
        raise Unfit(f"model.constructor gave a {type(module).__name__}, expected a torch module")
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise Unfit(f"its weights do not fit what model.constructor makes: {said}") from error
    return module


def construct(name: str | None) -> Any:
    """The function "package.module:function" of the repository."""
    if not name:
        raise Unfit(
            "the file holds weights without code (a state dict); name the function that makes the "
            "module by model.constructor, or save the whole model with torch.export.save or as "
            "TorchScript"
        )
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise Unfit(f"model.constructor {name!r} cannot be found: {error}") from error
