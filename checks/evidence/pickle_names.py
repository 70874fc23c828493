"""What an import in a pickle means: data of a known library, somebody's own class, or danger.

Pure tables and one function. Used by `checks.evidence.pickles`. Known libraries are trusted by what
models of theirs are made of, never as a whole: each of them can also read files or run code. What
is in no table is unknown, which is no accusation; except in Python's own library, where what a
model is made of is a short list and what can run a command is a long one.
"""

from __future__ import annotations

import re
import sys
from enum import StrEnum

from checks.evidence.pickle_values import Name


class Kind(StrEnum):
    """The class of an import."""

    BENIGN = "benign"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


def words(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


BUILTINS = words(
    "object int float complex str bytes bytearray list dict set frozenset tuple slice range bool "
    "NoneType type Ellipsis NotImplemented abs min max sum len round sorted reversed zip enumerate "
    "iter next hash property unicode long xrange memoryview pow divmod repr any all isinstance "
    "super ord chr callable getattr ellipsis"
)
# Parts of Python's library that models are honestly made of; "*" is everything in them.
STANDARD = {
    "_codecs": "encode",
    "_operator": "itemgetter add sub mul truediv eq ne lt le gt ge neg and_ or_",
    "abc": "ABCMeta",
    "array": "array _array_reconstructor",
    "collections": "*",
    "collections.abc": "*",
    "_collections_abc": "*",
    "copyreg": "_reconstructor __newobj__ __newobj_ex__",
    "dataclasses": "*",
    "datetime": "*",
    "decimal": "*",
    "enum": "Enum IntEnum Flag IntFlag StrEnum",
    "fractions": "*",
    "functools": "partial cmp_to_key",
    "ipaddress": "*",
    "itertools": "count chain repeat cycle islice product",
    "logging": "Logger getLogger RootLogger",
    "math": "*",
    "cmath": "*",
    "numbers": "*",
    "operator": "itemgetter add sub mul truediv eq ne lt le gt ge neg and_ or_",
    "pathlib": "Path PosixPath PurePath PurePosixPath WindowsPath PureWindowsPath",
    "pathlib._local": "Path PosixPath PurePath PurePosixPath WindowsPath PureWindowsPath",
    "queue": "*",
    "random": "Random",
    "re": "_compile Pattern",
    "statistics": "*",
    "string": "*",
    "time": "struct_time time",
    "types": "SimpleNamespace MappingProxyType NoneType EllipsisType GenericAlias",
    "typing": "*",
    "unicodedata": "*",
    "uuid": "UUID SafeUUID",
    "weakref": "WeakKeyDictionary WeakValueDictionary",
    "zoneinfo": "ZoneInfo _unpickle ZoneInfo._unpickle",
}
STANDARD_NAMES = {module: words(names) for module, names in STANDARD.items()}

NUMPY = words(
    "dtype ndarray matrix recarray record bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 "
    "uint64 intc uintc intp uintp int_ uint longlong ulonglong byte ubyte short ushort float16 "
    "float32 float64 float128 longdouble half single double float_ complex64 complex128 complex256 "
    "clongdouble str_ bytes_ string_ unicode_ object_ void datetime64 timedelta64 generic number "
    "integer floating inexact _reconstruct scalar _frombuffer _ufunc_reconstruct _mareconstruct "
    "MaskedArray _NoValueType _NoValue poly1d ufunc nan inf newaxis "
    "absolute abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort "
    "around average cbrt ceil clip concatenate cos cosh cumsum cumprod deg2rad degrees diff divide "
    "dot equal exp exp2 expm1 fabs floor floor_divide fmax fmin greater greater_equal isfinite "
    "isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or "
    "max maximum mean median min minimum mod multiply nan_to_num nanmax nanmean nanmedian nanmin "
    "nanstd nansum negative not_equal percentile positive power prod quantile rad2deg radians "
    "ravel reciprocal remainder reshape rint round sign sin sinh sort sqrt square squeeze std "
    "subtract sum tan tanh transpose trunc unique var where zeros ones array asarray amax amin "
    "atleast_1d atleast_2d column_stack hstack vstack stack float64type "
    "__generator_ctor __bit_generator_ctor __randomstate_ctor RandomState Generator MT19937 PCG64 "
    "PCG64DXSM Philox SFC64 SeedSequence __pyx_unpickle_SeedSequence bit_generator_ctor"
)
PANDAS = words(
    "DataFrame Series Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex "
    "IntervalIndex CategoricalIndex Int64Index UInt64Index Float64Index Categorical Timestamp "
    "Timedelta Period Interval NaT NA CategoricalDtype StringDtype Int64Dtype Float64Dtype "
    "BooleanDtype to_numeric to_datetime isna notna isnull notnull get_dummies concat"
)
TORCH = words(
    "Size device dtype Tensor Generator float32 float64 float16 bfloat16 float int int8 int16 "
    "int32 int64 uint8 bool long short half double complex64 complex128 strided sparse_coo "
    "preserve_format contiguous_format channels_last layout memory_format"
)
# Package, the modules in it that models are made of, and whether functions there are data too.
_LIBRARIES = (
    (
        "sklearn",
        r"sklearn\.(?!utils\._testing|utils\._openmp|datasets|externals|conftest|tests|setup)[\w.]+",
        (
            r"sklearn\.(?:metrics|feature_selection|preprocessing|gaussian_process|_loss|neighbors|tree"
            r"|ensemble|linear_model|svm|cluster|manifold|decomposition|_isotonic|feature_extraction"
            r"|utils\._\w+(?<!_testing)|base|model_selection|impute|kernel_approximation)(?:\.[\w.]+)?"
        ),
    ),
    (
        "scipy",
        (
            r"scipy\.(?:sparse|stats|interpolate|spatial|optimize|special|linalg|signal|ndimage|fft"
            r"|integrate|cluster|_lib\._bunch|_lib\._array_api)(?:\.[\w.]+)?"
        ),
        r"scipy\.(?:sparse|stats|interpolate|spatial|special|linalg|optimize)(?:\.[\w.]+)?",
    ),
    (
        "pandas",
        r"pandas\.(?:core\.(?!computation)|_libs\.(?!parsers|json)|tseries|arrays|api\.types)[\w.]*",
        r"pandas\._libs\.(?!parsers|json)[\w.]+|pandas\.core\.(?:indexes|internals|dtypes)\.[\w.]+",
    ),
    ("xgboost", r"xgboost\.(?:sklearn|core)|xgboost", ""),
    ("lightgbm", r"lightgbm\.(?:sklearn|basic)|lightgbm", ""),
    ("catboost", r"catboost\.core|catboost", ""),
    (
        "torch",
        r"torch\.(?:nn\.(?:modules|parameter)[\w.]*|storage|optim[\w.]*|_utils|cuda|sparse)",
        r"torch\._utils",
    ),
)
LIBRARIES = {
    package: (re.compile(classes), re.compile(functions or r"(?!)"))
    for package, classes, functions in _LIBRARIES
}
_NUMPY_MODULES = re.compile(
    r"numpy(?:\._?core(?:\.(?:multiarray|_multiarray_umath|umath|numeric|numerictypes|fromnumeric"
    r"|_internal|records|_dtype))?|\.dtypes|\.ma|\.ma\.core|\.matrixlib\.defmatrix|\.rec"
    r"|\.random(?:\.(?:_pickle|mtrand|_generator|_mt19937|_pcg64|_philox|_sfc64|bit_generator))?"
    r"|\.polynomial\.\w+|\.lib\.(?:_function_base_impl|_polynomial_impl|polynomial|function_base"
    r"|_nanfunctions_impl|nanfunctions|_shape_base_impl|shape_base|_ufunclike_impl|ufunclike"
    r"|_type_check_impl|type_check))?"
)
_SINGLE = {
    Name("joblib.numpy_pickle", "NumpyArrayWrapper"),
    Name("joblib.numpy_pickle_compat", "NDArrayWrapper"),
    Name("joblib.numpy_pickle_compat", "ZNDArrayWrapper"),
    Name("joblib.memory", "Memory"),
    Name("joblib._store_backends", "FileSystemStoreBackend"),
    Name("joblib.logger", "Logger"),
    # Text columns of pandas where pyarrow is installed: buffers and what they are read as.
    Name("pyarrow.lib", "_restore_array"),
    Name("pyarrow.lib", "py_buffer"),
    Name("pyarrow.lib", "type_for_alias"),
}

# Other people's packages whose purpose is to run, fetch or load something.
DANGEROUS_PACKAGES = words(
    "__builtin__ nt posix pip setuptools pkg_resources distutils _distutils_hack requests urllib3 "
    "httpx aiohttp paramiko fabric invoke pexpect ptyprocess sh plumbum psutil docker boto3 "
    "botocore fsspec s3fs IPython ipykernel cffi numexpr sympy yaml pickle5 pyautogui keyring "
    "winreg commands popen2 execnet pydash"
)
DANGEROUS_MODULES = re.compile(
    r"(?:numpy\.(?:testing|f2py|distutils|ctypeslib|lib\.(?:npyio|_npyio_impl|format|_datasource"
    r"|utils|_utils_impl|introspect))|scipy\.(?:io|datasets|misc|weave|_lib\._test)"
    r"|sklearn\.(?:datasets|utils\._testing|conftest|externals|setup)"
    r"|pandas\.(?:io|core\.computation|testing|util|_testing|compat)"
    r"|torch\.(?:hub|serialization|utils\.(?:cpp_extension|collect_env|bottleneck|_config_module"
    r"|data\.datapipes)|distributed|multiprocessing|_inductor|_dynamo|testing|package|_appdirs"
    r"|jit\.unsupported_tensor_ops|fx|cuda\.jiterator)"
    r"|joblib\.(?:numpy_pickle|numpy_pickle_compat|numpy_pickle_utils|externals\.loky|_dask"
    r"|_parallel_backends|_memmapping_reducer|parallel|func_inspect|hashing)"
    r"|xgboost\.(?:testing|tracker)|lightgbm\.dask|.*\._?tests?|.*\._?testing)(?:\..*)?"
)
# A module or function of these names is dangerous wherever it is reached from.
DANGEROUS_PARTS = words(
    "os posix nt sys subprocess shutil importlib builtins __builtin__ __builtins__ socket ctypes "
    "pickle _pickle joblib tempfile inspect runpy pty webbrowser multiprocessing marshal pkgutil "
    "system popen spawn spawnl spawnv spawnve execv execve execvp execl fork forkpty eval exec "
    "kill "
    "execfile compile __import__ import_module open runstring run_code run_path run_module load "
    "loads load_module exec_module get_data urlopen urlretrieve unlink rmtree rmdir write_text "
    "write_bytes read_text read_bytes touch chmod chown rename symlink_to hardlink_to load_library "
    "read_pickle to_pickle load_state_dict_from_url memmap fromfile tofile loadtxt savetxt savez "
    "genfromtxt fromregex DataSource query read_csv call check_call check_output getoutput "
    "getstatusoutput Popen methodcaller breakpoint setattr delattr globals locals vars input "
    "_run_code remote_exec "
    "__globals__ __subclasses__ __dict__ __getattribute__ __loader__ __spec__ __base__ __bases__ "
    "__mro__ __code__ __closure__ __func__ __self__ __reduce__ __reduce_ex__ __class__ __init__ "
    "__setattr__ __call__ __get__ __defaults__ __wrapped__ f_globals f_builtins gi_frame tb_frame"
)
CODE_CARRIERS = words("cloudpickle dill")
LOADERS = words("load loads Unpickler CloudUnpickler load_session load_module")


def classify(found: Name) -> Kind:  # noqa: PLR0911 - the first rule that fits, in this order
    """Which class an import belongs to."""
    package = found.module.partition(".")[0]
    parts = found.name.split(".")
    if package in CODE_CARRIERS or found.module.startswith("joblib.externals.cloudpickle"):
        return Kind.DANGEROUS if LOADERS & set(parts) else Kind.UNKNOWN
    if found in _SINGLE:
        return Kind.BENIGN
    if package == "builtins":
        return _builtin(found.name)
    if package in DANGEROUS_PACKAGES or DANGEROUS_MODULES.fullmatch(found.module):
        return Kind.DANGEROUS
    if found.name == "" or (set(parts) & DANGEROUS_PARTS and not _is_new(parts)):
        return Kind.DANGEROUS
    if package in sys.stdlib_module_names:
        return _standard(found)
    if len(parts) > 1:
        return _dotted(found, parts)
    return _library(found, package)


def _is_new(parts: list[str]) -> bool:
    return len(parts) == 2 and parts[1] == "__new__"


def _dotted(found: Name, parts: list[str]) -> Kind:
    """An attribute of a class is as good as the class; one of anything else is unknown."""
    first = classify(Name(found.module, parts[0]))
    if first is Kind.BENIGN and not parts[0].lstrip("_")[:1].isupper():
        return Kind.UNKNOWN
    return first


def _builtin(name: str) -> Kind:
    parts = name.split(".")
    if parts[0] in BUILTINS and not set(parts[1:]) & DANGEROUS_PARTS:
        return Kind.BENIGN
    if name.endswith(("Error", "Exception", "Warning", "Iteration")):
        return Kind.BENIGN
    harmless = {"print", "map", "filter", "id", "format", "classmethod", "staticmethod", "bin"}
    return Kind.UNKNOWN if name in harmless else Kind.DANGEROUS


def _standard(found: Name) -> Kind:
    if found.module in ("__main__", "this", "antigravity"):
        return Kind.UNKNOWN if found.module == "__main__" else Kind.DANGEROUS
    names = STANDARD_NAMES.get(found.module)
    if names is None:
        careful = found.module in {"copyreg", "functools", "operator", "types", "enum"}
        return Kind.UNKNOWN if careful else Kind.DANGEROUS
    first = found.name.partition(".")[0]
    if names & {"*", found.name, first}:
        return Kind.BENIGN
    return Kind.UNKNOWN if first.startswith("extension ") or first[:1].isupper() else Kind.DANGEROUS


def _library(found: Name, package: str) -> Kind:
    if package == "numpy":
        listed = (
            found.name in NUMPY or found.name.endswith("DType") or ".polynomial" in found.module
        )
        return Kind.BENIGN if listed and _NUMPY_MODULES.fullmatch(found.module) else Kind.UNKNOWN
    if found.module == "pandas":
        return Kind.BENIGN if found.name in PANDAS else Kind.UNKNOWN
    if found.module == "torch":
        known = found.name in TORCH or found.name.endswith(("Storage", "Tensor"))
        return Kind.BENIGN if known else Kind.UNKNOWN
    if package not in LIBRARIES:
        return Kind.UNKNOWN
    classes, functions = LIBRARIES[package]
    is_class = found.name.lstrip("_")[:1].isupper()
    if is_class and classes.fullmatch(found.module):
        return Kind.BENIGN
    return Kind.BENIGN if functions.fullmatch(found.module) else Kind.UNKNOWN
