"""Where a model runs: the interpreter with its packages, and the repository's own code.

`home` is what the run asks; the other modules each know one part of the answer. Nothing here reads
a model other than as bytes, and no code of the repository runs in this process.
"""
