"""A function of the repository that returns the model.

`model.path: python:package.module:function` is for what no file format holds: preprocessing of its
own, several files' worth of parts, another library. What is judged is the code, or the file of
`model.weights`, whose bytes the function is given.
"""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(name="python", suffixes=(), loader="python", imports=("numpy", "pandas"))
