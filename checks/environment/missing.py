"""What to do about a model whose classes were not found: which package or file to add, and where.

Used by `ModelRuns` when a model could not be loaded. What it reads are words of the child, which
may say anything: they choose among our sentences, and a name in them is quoted as a name. Pure.
"""

from __future__ import annotations

import re

_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]{1,100})'")
_NO_NAME = re.compile(
    r"AttributeError: Can't get attribute '([\w.]{1,100})' on <module '([\w.]{1,100})'"
)
# Packages that are imported by another name than they are installed by.
INSTALLED_AS = {
    "bs4": "beautifulsoup4",
    "category_encoders": "category-encoders",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "imblearn": "imbalanced-learn",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}


def advice(sentence: str, model: str, requirements: str | None = None) -> str | None:
    """What to do about a failure in these words; None when it is not about a missing name."""
    module = _NO_MODULE.search(sentence)
    if module is not None:
        top = module[1].partition(".")[0]
        package = INSTALLED_AS.get(top, top)
        return (
            f"{model} needs the module {module[1]!r}, which is neither installed nor in this "
            f"repository: commit {top}.py or {top}/ if it is yours, else add {package} to "
            f"{requirements or 'requirements.txt'}"
        )
    name = _NO_NAME.search(sentence)
    if name is None:
        return None
    if name[2] == "__main__":
        return (
            f"{model} needs {name[1]}, which was defined in the script that saved it: move it to a "
            "module of the repository, import it from there, and save the model anew"
        )
    return f"{model} needs {name[1]} in {name[2]}, which has none: add it, or save the model anew"
