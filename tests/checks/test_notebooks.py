"""The code of notebooks: whole cells, lines of the file, nothing that is no Python."""

from __future__ import annotations

import ast
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.evidence import python_code
from checks.evidence.notebooks import code_of
from checks.evidence.repository import scan
from tests.checks.trees import write

if TYPE_CHECKING:
    from pathlib import Path


def notebook(*cells: str, indent: int | None = 1, kind: str = "code") -> str:
    """As Jupyter writes it."""
    made = [
        {"cell_type": kind, "metadata": {}, "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4}, indent=indent)


def test_each_line_stands_where_the_file_has_it() -> None:
    text = notebook("import shap\n\nx = 1", "y = shap.TreeExplainer('größe')")
    lines = code_of(text).split("\n")
    for number, line in enumerate(lines):
        assert line == "" or json.dumps(line)[:-1] in text.splitlines()[number]
    assert [line for line in lines if line] == ["import shap", "x = 1",
                                                "y = shap.TreeExplainer('größe')"]  # fmt: skip


def test_commands_of_ipython_and_cells_of_other_languages_do_no_harm() -> None:
    text = notebook("%matplotlib inline\n!pip install shap\nif a:\n    %time f()", "SELECT 1 FROM")
    code = code_of(text)
    ast.parse(code)
    assert "SELECT" not in code
    assert code.count("pass") == 3


def test_on_one_line_it_is_read_as_well() -> None:
    assert code_of(notebook("a = 1", "b = 2", indent=None)) == "a = 1\nb = 2"
    assert code_of(notebook("a = 1", kind="markdown")).strip() == ""


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"cells": 7}', '{"cells": [7]}', "[" * 9999])
def test_what_is_no_notebook_is_a_value_error_or_empty(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert code_of(text) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cells", "source", "cell_type", "x"]), inner, max_size=3)
    ),
)


@given(document=JSON, indent=st.sampled_from([None, 1]))
def test_any_json_is_code_or_a_value_error(document: Any, indent: int | None) -> None:
    with contextlib.suppress(ValueError):
        ast.parse(code_of(json.dumps(document, indent=indent)))


@given(st.lists(st.text(max_size=60), max_size=4))
def test_the_code_of_any_cells_can_be_parsed(cells: list[str]) -> None:
    ast.parse(code_of(notebook(*cells)))


def test_only_who_asks_gets_notebooks(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1", "n.ipynb": notebook("import shap\nshap.f()"), "b.ipynb": "{"})
    repository = scan(tmp_path)
    assert [module.path for module in python_code.collect(repository)[0]] == ["a.py"]
    modules, unreadable = python_code.collect(repository, notebooks=True)
    assert [module.path for module in modules] == ["a.py", "n.ipynb"]
    assert ("shap.f", 8) in list(modules[1].calls())
    assert [each.where.path for each in unreadable if each.where] == ["b.ipynb"]
