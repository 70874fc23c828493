"""Torch files of every kind answer as the module did; what lacks something says what."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from checks import models
from checks.sandbox import Code, Limits, ModelFailed, ModelSession, Table, column_of
from tests.checks.libraries import need
from tests.checks.models.honest import INPUTS, module, state

torch = need("torch")
OWN = Path(sys.executable)
ADAPTER = models.find("x.pt", None)
LIMITS = Limits(memory_bytes=12 << 30)
TABLE = Table(tuple(column_of(str(name), INPUTS[name].to_numpy()) for name in INPUTS))


def saved(thing: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with pytest.warns(FutureWarning):
        torch.jit.save(torch.jit.trace(module(), torch.zeros(1, 3)), buffer)
    return buffer.getvalue()


def test_every_kind_of_file_answers_alike() -> None:
    numbers = torch.tensor(INPUTS.to_numpy(), dtype=torch.float32)
    expected = module()(numbers).detach().numpy()
    old = {"_use_new_zipfile_serialization": False}
    with ModelSession(OWN, limits=LIMITS) as session:
        for payload in (
            scripted(),
            saved(module()),
            saved(module(), **old),
            saved({"model": module(), "epoch": 3}),
        ):
            session.load(payload, "torch", ADAPTER.options())
            np.testing.assert_allclose(session.predict(TABLE).values, expected, rtol=1e-5)


NETS = """
import torch

class Named(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)

    def forward(self, c, a, b):
        return self.inner(torch.stack([a, b, c], dim=1))

def plain():
    return torch.nn.Linear(3, 2)

def named():
    return Named()
"""


def test_a_state_dict_of_either_kind_is_given_to_its_constructor(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    numbers = torch.tensor(INPUTS.to_numpy(), dtype=torch.float32)
    expected = module()(numbers).detach().numpy()
    inner = {f"inner.{name}": value for name, value in module().state_dict().items()}
    with ModelSession(OWN, limits=LIMITS, code=Code.at(tmp_path)) as session:
        for kind in (True, False):
            old = {"_use_new_zipfile_serialization": kind}
            plain, named = state(**old), saved(inner, **old)
            wrapped = saved({"state_dict": module().state_dict()}, **old)
            assert plain.startswith(b"PK") is kind
            for payload, options in (
                (plain, {"constructor": "nets:plain"}),
                (wrapped, {"constructor": "nets:plain"}),
                (named, {"constructor": "nets:named", "input": "named"}),
            ):
                session.load(payload, "torch", {**ADAPTER.options(), **options})
                np.testing.assert_allclose(session.predict(TABLE).values, expected, rtol=1e-5)


def test_what_lacks_something_says_what() -> None:
    old = {"_use_new_zipfile_serialization": False}
    with ModelSession(OWN, limits=LIMITS) as session:
        for payload, constructor, says in (
            (state(), None, "name the function that makes the module by model.constructor"),
            (state(), "nowhere:make", "'nowhere:make' cannot be found"),
            (state(), "torch:zeros", "cannot be used|failed"),
            (saved([1, 2]), None, "the file holds a list"),
            (saved({"epoch": 3}), None, r"a dictionary without a state dict \(epoch\)"),
            (saved(module(), **old)[:-8], None, "cut off"),
        ):
            options = {**ADAPTER.options(), "constructor": constructor}
            with pytest.raises(ModelFailed, match=says):
                session.load(payload, "torch", options)
