"""The static walk of pickles: every hostile stream is named, and no honest model is accused.

The hostile streams are built here, hold harmless canaries, and are never loaded.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import (
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    feature_selection,
    gaussian_process,
    impute,
    isotonic,
    kernel_approximation,
    linear_model,
    mixture,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

from checks.evidence import compressed, pickles
from checks.evidence.pickle_names import Kind, classify
from checks.evidence.pickle_values import Name

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
LABELS = np.array(["no", "yes"])[Y]
TEXTS = ["a cat sat", "a dog ran", "the cat ran"] * 20
PERCENTILE = feature_selection.SelectPercentile(feature_selection.f_classif)
LOG = preprocessing.FunctionTransformer(np.log1p, inverse_func=np.expm1)
FRAME = pd.DataFrame({"n": X[:, 0], "c": LABELS, "t": pd.Timestamp("2026-01-01")})
MIXED = compose.make_column_transformer(
    (pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), ["n"]),
    (preprocessing.OneHotEncoder(handle_unknown="ignore"), ["c"]),
)
MODELS: dict[str, Any] = {
    "logistic": linear_model.LogisticRegression().fit(X, LABELS),
    "lasso": linear_model.LassoCV().fit(X, Y),
    "ridge": linear_model.RidgeCV().fit(X, Y),
    "sgd": linear_model.SGDClassifier(loss="log_loss").fit(X, Y),
    "huber": linear_model.HuberRegressor().fit(X, Y),
    "poisson": linear_model.PoissonRegressor().fit(X, Y),
    "forest": ensemble.RandomForestClassifier(10).fit(X, LABELS),
    "extra trees": ensemble.ExtraTreesRegressor(5).fit(X, Y),
    "boosting": ensemble.GradientBoostingClassifier(n_estimators=5).fit(X, LABELS),
    "histograms": ensemble.HistGradientBoostingClassifier(max_iter=5).fit(X, LABELS),
    "ada": ensemble.AdaBoostClassifier(n_estimators=3).fit(X, Y),
    "bagging": ensemble.BaggingClassifier(n_estimators=3).fit(X, Y),
    "isolation": ensemble.IsolationForest(n_estimators=5).fit(X),
    "voting": ensemble.VotingClassifier(
        [("a", tree.DecisionTreeClassifier()), ("b", naive_bayes.GaussianNB())]
    ).fit(X, LABELS),
    "neighbours": neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(X, LABELS),
    "ball tree": neighbors.KNeighborsRegressor(algorithm="ball_tree").fit(X, Y),
    "density": neighbors.KernelDensity().fit(X),
    "svm": svm.SVC().fit(X, LABELS),
    "linear svm": svm.LinearSVC().fit(X, Y),
    "network": neural_network.MLPClassifier((4,), max_iter=2000, tol=0.01).fit(X, LABELS),
    "gaussian process": gaussian_process.GaussianProcessClassifier().fit(X, Y),
    "clusters": cluster.KMeans(2, n_init=1).fit(X),
    "mixture": mixture.GaussianMixture(2).fit(X),
    "components": decomposition.PCA(2).fit(X),
    "isotonic": isotonic.IsotonicRegression().fit(X[:, 0], Y),
    "nystroem": pipeline.make_pipeline(
        kernel_approximation.Nystroem(n_components=5), linear_model.Ridge()
    ).fit(X, Y),
    "selection": pipeline.make_pipeline(PERCENTILE, naive_bayes.BernoulliNB()).fit(X, Y),
    "ufunc": pipeline.make_pipeline(LOG, linear_model.Ridge()).fit(abs(X), Y),
    "words": pipeline.make_pipeline(
        feature_extraction.text.TfidfVectorizer(), naive_bayes.MultinomialNB()
    ).fit(TEXTS, Y),
    "mixed columns": pipeline.make_pipeline(MIXED, linear_model.LogisticRegression()).fit(
        FRAME, LABELS
    ),
    "search": model_selection.GridSearchCV(
        tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, scoring="f1"
    ).fit(X, Y),
    "frames": {"data": FRAME, "groups": FRAME["c"].astype("category"), "o": OrderedDict(a=1)},
    "large": {"weights": RNG.normal(size=(600, 500)), "names": np.array(["a", None], object)},
    "generator": np.random.default_rng(1),
}
WAYS: dict[str, Any] = {
    "pickle 2": lambda model: pickle.dumps(model, 2),
    "pickle 5": lambda model: pickle.dumps(model, 5),
    "joblib": lambda model: dumped(model, compress=0),
    "joblib zlib": lambda model: dumped(model, compress=3),
    "joblib gzip": lambda model: dumped(model, compress=("gzip", 3)),
    "joblib bz2": lambda model: dumped(model, compress=("bz2", 3)),
    "joblib xz": lambda model: dumped(model, compress=("xz", 1)),
    "joblib lzma": lambda model: dumped(model, compress=("lzma", 1)),
}


def dumped(model: object, **options: Any) -> bytes:
    """What joblib writes."""
    buffer = io.BytesIO()
    joblib.dump(model, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_no_honest_model_is_accused(model: object) -> None:
    for way, dump in WAYS.items():
        found = pickles.look(dump(model))
        assert found.trouble is None, way
        assert found.streams == 1, way
        assert found.of(Kind.DANGEROUS) == (), way
        assert found.of(Kind.UNKNOWN) == (), way
        assert found.acts == (), way


def test_the_walk_names_what_python_imports() -> None:
    """The names are those that a loader asks for: one that only writes them down agrees."""
    for model in MODELS.values():
        asked: set[str] = set()

        class Loader(pickle._Unpickler):
            asked_for = asked

            def find_class(self, module: str, name: str) -> Any:
                self.asked_for.add(f"{module}.{name}")
                return super().find_class(module, name)

        payload = pickle.dumps(model, 4)
        Loader(io.BytesIO(payload)).load()
        assert {str(each) for each in pickles.look(payload).imports} == asked


class Calls:
    """Pickles to a call of a function; only ever dumped."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def text(module: str, name: str, argument: str = "canary") -> bytes:
    """A pickle of protocol 0 that calls module.name(argument)."""
    return f"c{module}\n{name}\n(S'{argument}'\ntR.".encode()


def short(value: str) -> bytes:
    """A string of protocol 4."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


ARRAY = dumped(np.arange(5.0))
SYSTEM = b"cposix\nsystem\n(S'canary'\ntR"
ATTRIBUTE = b"numpy_array_alignment_bytes"
BUILT = ARRAY.index(b"b", ARRAY.rindex(ATTRIBUTE) + len(ATTRIBUTE)) + 1


def zipped(**changes: Any) -> bytes:
    """A torch-like archive with a hostile data.pkl."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", changes.get("compression", zipfile.ZIP_STORED)) as archive:
        archive.writestr("model/data.pkl", text("os", "system"))
        archive.writestr("model/data/0", b"\0" * 64)
    payload = buffer.getvalue()
    if "flag" in changes:  # an encryption flag and a wrong checksum, which torch ignores
        payload = payload.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")
    return payload


HOSTILE: dict[str, tuple[bytes, str]] = {
    "os.system": (pickle.dumps(Calls(os.system, "true")), "posix.system"),
    "eval": (pickle.dumps(Calls(eval, "1")), "builtins.eval"),
    "exec in protocol 0": (text("__builtin__", "execfile"), "execfile"),
    "python 2 names": (text("commands", "getoutput"), "subprocess.getoutput"),
    "subprocess": (text("subprocess", "Popen"), "subprocess.Popen"),
    "INST": (b"(S'canary'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'canary'\no.", "os.system"),
    "NEWOBJ": (b"\x80\x02csubprocess\nPopen\nS'canary'\n\x85\x81.", "subprocess.Popen"),
    "NEWOBJ_EX": (b"\x80\x04csubprocess\nPopen\n)}\x92.", "subprocess.Popen"),
    "STACK_GLOBAL": (b"\x80\x04" + short("os") + short("system") + b"\x93.", "os.system"),
    "memo": (
        b"\x80\x04" + short("os") + b"\x94" + short("system") + b"\x940" + b"0h\0h\1\x93.",
        "os.system",
    ),
    "memo by text": (b"S'os'\np7\n0S'system'\np300\n0g7\ng300\n\x93.", "os.system"),
    "escaped text": (b"S'o\\x73'\nVs\\u0079stem\n\x93.", "os.system"),
    "dotted": (b"\x80\x04" + short("sklearn") + short("os.system") + b"\x93.", "os.system"),
    "through a library": (text("sklearn.utils", "os.system"), "os.system"),
    "getattr": (b"cbuiltins\ngetattr\n(cos\npath\nS'system'\ntR.", "os.path.system"),
    "getattr chain": (
        b"cbuiltins\ngetattr\n(cbuiltins\nobject\nS'__subclasses__'\ntR(tR.",
        "object.__subclasses__",
    ),
    "import by ufunc": (
        b"cnumpy.core\n_ufunc_reconstruct\n(S'os'\nS'system'\ntR(S'canary'\ntR.",
        "os.system",
    ),
    "import_module": (text("importlib", "import_module", "os"), "importlib.import_module"),
    "computed name": (b"cbuiltins\nstr\n(S'os'\ntRS'system'\n\x93.", "computes"),
    "extension": (b"\x82\x05(S'canary'\ntR.", "extension 5"),
    "runpy": (text("runpy", "run_path"), "runpy.run_path"),
    "pty": (text("pty", "spawn"), "pty.spawn"),
    "socket": (text("socket", "create_connection"), "socket.create_connection"),
    "ctypes": (text("ctypes", "CDLL"), "ctypes.CDLL"),
    "shutil": (text("shutil", "rmtree"), "shutil.rmtree"),
    "webbrowser": (text("webbrowser", "open"), "webbrowser.open"),
    "timeit": (text("timeit", "timeit"), "timeit.timeit"),
    "profile": (text("cProfile", "run"), "cProfile.run"),
    "pip": (text("pip._internal.cli.main", "main"), "pip._internal"),
    "torch.hub": (text("torch.hub", "load"), "torch.hub.load"),
    "joblib again": (text("joblib", "load"), "joblib.load"),
    "pickle again": (text("_pickle", "loads"), "_pickle.loads"),
    "numpy.load": (text("numpy", "load"), "numpy.load"),
    "runstring": (text("numpy.testing._private.utils", "runstring"), "runstring"),
    "read_pickle": (text("pandas.io.pickle", "read_pickle"), "read_pickle"),
    "pandas.eval": (text("pandas", "eval"), "pandas.eval"),
    "methodcaller": (
        b"coperator\nmethodcaller\n(S'system'\ntR(cos\npath\ntR.",
        "methodcaller",
    ),
    "attrgetter": (b"coperator\nattrgetter\n(S'system'\ntR(cos\npath\ntR.", "makes while"),
    "partial": (b"cfunctools\npartial\n(cos\nsystem\ntR(tR.", "os.system"),
    "a class is changed": (b"csklearn.svm._classes\nSVC\n}S'predict'\nNsb.", "changes"),
    "code in cloudpickle": (
        cloudpickle.dumps(Calls(eval(compile("lambda: 1", "x", "eval")))),
        "makes while",
    ),
    "cut off after the call": (SYSTEM + b"\x8c", "posix.system"),
    "behind a broken byte": (b"N\xff" + text("os", "system"), "os.system"),
    "in the second pickle": (pickle.dumps(1) + text("os", "system"), "os.system"),
    "behind an array": (ARRAY[:-1] + b"0" + SYSTEM + b".", "posix.system"),
    "in an array of objects": (
        dumped(np.array([Calls(os.system, "true")], object)),
        "posix.system",
    ),
    "in place of an array's bytes": (
        ARRAY[:BUILT] + SYSTEM + b"." + b"\0" * 64,
        "posix.system",
    ),
    "zlib": (zlib.compress(text("os", "system")), "os.system"),
    "gzip": (gzip.compress(text("os", "system")), "os.system"),
    "two gzip streams": (
        gzip.compress(b"cos\nsys") + gzip.compress(b"tem\n(S'canary'\ntR."),
        "os.system",
    ),
    "bz2": (bz2.compress(text("os", "system")), "os.system"),
    "xz": (lzma.compress(text("os", "system")), "os.system"),
    "torch": (zipped(), "os.system"),
    "torch deflated": (zipped(compression=zipfile.ZIP_DEFLATED), "os.system"),
    "torch with a flag": (zipped(flag=True), "os.system"),
    "broken compression": (gzip.compress(text("os", "system") * 50)[:-9], "os.system"),
    "a pickle that begins like bzip2": (
        b"BZh9\0" + b"\0" * 0x39685A + b"0" + text("os", "system"),
        "os.system",
    ),
}


@pytest.mark.parametrize(("payload", "named"), HOSTILE.values(), ids=HOSTILE)
def test_every_hostile_stream_is_named(payload: bytes, named: str) -> None:
    found = pickles.look(payload)
    if named == "extension 5":
        assert found.of(Kind.UNKNOWN)
        assert "extension 5" in str(found.of(Kind.UNKNOWN)[0])
        return
    assert found.dangerous
    assert named in " ".join([*map(str, found.of(Kind.DANGEROUS)), *found.acts])


def test_a_class_of_the_repository_is_named_and_not_accused() -> None:
    found = pickles.look(b"\x80\x02cacme.models\nScorer\n)\x81}U\x01ab.")
    (only,) = found.imports
    assert (str(only), only.kind, only.called) == ("acme.models.Scorer", Kind.UNKNOWN, True)
    assert not found.dangerous


class Linear:
    """An honest class of its own."""

    def __init__(self) -> None:
        self.weights = [1.0]


def test_code_that_the_file_carries_is_unknown() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("class Model:\n    def __init__(self): self.a = 1", namespace)
    found = pickles.look(cloudpickle.dumps(namespace["Model"]()))
    assert not found.dangerous
    assert any("cloudpickle" in str(each) for each in found.of(Kind.UNKNOWN))


@pytest.mark.parametrize("length", range(0, 400, 7))
def test_a_cut_stream_ends_with_a_sentence(length: int) -> None:
    payload = pickle.dumps({"a": [1, 2.0, "b", (None,)], "linear": Linear()} | {"x": "y" * 300})
    assert len(payload) > length
    found = pickles.look(payload[:length])
    assert found.trouble is not None
    assert found.trouble.startswith("unreadable from byte ")


def test_bombs_end_within_the_limit() -> None:
    for bomb in (zlib.compress(b"N0" * 5_000_000), bz2.compress(b"N0" * 5_000_000)):
        found = pickles.look(bomb, limit=1 << 20)
        assert found.trouble == "more than 1 MiB when unpacked"
    nested = b"\x80\x02]" + b"(" * 100_000
    assert "cut off" in (pickles.look(nested).trouble or "")
    huge = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60)
    assert "cut off" in (pickles.look(huge).trouble or "")


def test_names_that_grow_end_too() -> None:
    long = b"X" + struct.pack("<I", 500_000) + b"a" * 500_000 + b"q\1"
    grow = b"cbuiltins\ngetattr\nq\x02cacme\nthing\n" + b"q\3h\2h\3h\1\x86R" * 1000
    found = pickles.look(long + grow + b".")
    assert "imports a name of more than 1000 characters" in found.acts
    many = b"".join(b"ca\nb%d\n0" % number for number in range(100_100))
    assert "more than 100000 imports" in (pickles.look(many).trouble or "")


def test_lz4_without_the_package() -> None:
    hostile = text("os", "system")
    header = b"\x04\x22\x4d\x18\x60\x40\x82"
    stored = header + struct.pack("<I", len(hostile) | 0x80000000) + hostile + b"\0\0\0\0"
    assert pickles.look(stored).dangerous
    # 4 literals, then 8 bytes from a distance of 4, then the last literal.
    block = bytes([4 << 4 | 4]) + b"abcd" + b"\x04\x00" + bytes([1 << 4]) + b"!"
    packed = header + struct.pack("<I", len(block)) + block + b"\0\0\0\0"
    assert compressed.unpack(packed) == compressed.Plain(b"abcdabcdabcd!")
    assert compressed.unpack(packed[:-6]).trouble == "the lz4 data are cut off or broken"


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("sklearn.linear_model._logistic", "LogisticRegression", Kind.BENIGN),
        ("xgboost.sklearn", "XGBClassifier", Kind.BENIGN),
        ("lightgbm.basic", "Booster", Kind.BENIGN),
        ("torch._utils", "_rebuild_tensor_v2", Kind.BENIGN),
        ("collections", "OrderedDict", Kind.BENIGN),
        ("scipy.sparse._csr", "csr_matrix", Kind.BENIGN),
        ("category_encoders.target_encoder", "TargetEncoder", Kind.UNKNOWN),
        ("__main__", "Model", Kind.UNKNOWN),
        ("copyreg", "add_extension", Kind.DANGEROUS),
        ("pathlib", "Path.unlink", Kind.DANGEROUS),
        ("logging", "FileHandler", Kind.UNKNOWN),
        ("logging.config", "listen", Kind.DANGEROUS),
        ("sklearn.datasets", "load_files", Kind.DANGEROUS),
        ("scipy.io", "loadmat", Kind.DANGEROUS),
        ("cloudpickle", "loads", Kind.DANGEROUS),
    ],
)
def test_classes_of_imports(module: str, name: str, kind: Kind) -> None:
    assert classify(Name(module, name)) is kind
