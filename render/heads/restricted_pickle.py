"""Pickles of strangers: numbers are taken out of them, and nothing that they ask for is ever run.

A pickle is a program. Here it may build arrays, sparse matrices and plain containers, and name nothing else; classes of
chumpy (which FLAME's files use, and which nobody maintains) and tensors of torch come back as inert records.
"""

import codecs
import pickle
from pathlib import Path

import numpy as np
import scipy.sparse
from numpy.core import multiarray, numeric

from render.heads.model_checks import HeadModelError

_SPARSE = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array")
_INERT_PACKAGES = ("chumpy", "torch")


class InertRecord:
    """What stands for an object of a class that is not loaded: its class name and the state that the pickle gave it."""

    name = "object"

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.__dict__["state"] = state


def load_numbers(path: Path) -> object:
    """What a pickle holds, read with the encoding latin1 (Python 2 wrote such files).

    An .npy file that wraps a pickle is read as that pickle. Sparse matrices and chumpy variables come back as
    InertRecord; `as_array` makes arrays of them.
    Raises: HeadModelError that names the file and the class or function that it asked for, or why it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                file.seek(0)
                version = np.lib.format.read_magic(file)
                read_header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                read_header(file)
            else:
                file.seek(0)
            content = _NumbersOnly(file, encoding="latin1").load()
    except HeadModelError as error:
        raise HeadModelError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle may fail in any way
        raise HeadModelError(
            f"{path} cannot be read as a pickle ({type(error).__name__}: {error}). Download the file again"
        ) from error
    return content.item() if isinstance(content, np.ndarray) and content.size == 1 else content


def as_array(value: object, *, what: str) -> np.ndarray:
    """An entry of such a file as a plain array. Raises: HeadModelError when it holds no numbers."""
    if isinstance(value, InertRecord):
        state = getattr(value, "state", None)
        if value.name.startswith("scipy.") and isinstance(state, dict):
            return _sparse(value.name, state).toarray()
        if isinstance(state, dict) and "x" in state:
            return as_array(state["x"], what=what)
        raise HeadModelError(f"{what} is an object of {value.name} that holds no array of numbers")
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise HeadModelError(f"{what} must be an array of numbers, but is {type(value).__name__} of {array.dtype}")
    return array


def _sparse(name: str, state: dict) -> scipy.sparse.csc_matrix:
    shape = tuple(state.get("_shape") or state["shape"])
    if "coo" in name:
        places = state["coords"] if "coords" in state else (state["row"], state["col"])
        return scipy.sparse.csc_matrix((state["data"], tuple(places)), shape=shape)
    kind = scipy.sparse.csr_matrix if "csr" in name else scipy.sparse.csc_matrix
    return scipy.sparse.csc_matrix(kind((state["data"], state["indices"], state["indptr"]), shape=shape))


def _latin1_bytes(text: str, encoding: str = "latin1") -> bytes:
    return codecs.encode(text, "latin1" if encoding in ("latin1", "latin-1") else "utf-8")


def _no_bytes() -> bytes:
    return b""


def _reconstructor(cls: type, *_: object) -> object:
    return object.__new__(cls)


_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,  # pyright: ignore[reportAttributeAccessIssue]
    ("numpy.core.multiarray", "scalar"): multiarray.scalar,  # pyright: ignore[reportAttributeAccessIssue]
    ("numpy.core.numeric", "_frombuffer"): numeric._frombuffer,  # pyright: ignore[reportAttributeAccessIssue]
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1_bytes,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("builtins", "bytes"): _no_bytes,  # of an array without entries
    ("builtins", "object"): InertRecord,
    ("collections", "OrderedDict"): dict,
}
_OLD_MODULES = {"copy_reg": "copyreg", "__builtin__": "builtins"}


class _NumbersOnly(pickle.Unpickler):
    """The one way out of a pickle: every class and function that it names is looked up here."""

    def find_class(self, module: str, name: str) -> object:
        place = (_OLD_MODULES.get(module, module).replace("numpy._core", "numpy.core"), name)
        if place in _ALLOWED:
            return _ALLOWED[place]
        package = module.partition(".")[0]
        if package in _INERT_PACKAGES or (module.startswith("scipy.sparse") and name in _SPARSE):
            return type(name.rpartition(".")[2], (InertRecord,), {"name": f"{module}.{name}"})
        raise HeadModelError(
            f"the pickle asks for {module}.{name}, which a file of numbers has no need of and which could run any "
            "code; nothing was run. Do not open this file with anything else before you know where it comes from, and "
            "download the model from its authors"
        )
