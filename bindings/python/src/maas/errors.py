"""What calls of maas raise: one class per status of include/maas.h.

The message is maas's own: one sentence that names file, node and tensor, what was expected, what was found.
"""

from __future__ import annotations


class MaasError(Exception):
    """Every failure of maas."""

    #: The `maas_status` of the failure.
    status = -1


class InvalidArgument(MaasError, ValueError):
    """an argument of the call is not allowed"""

    status = 1


class NotFound(MaasError, LookupError):
    """no file, input, output, option or key has this name"""

    status = 2


class IoError(MaasError, OSError):
    """a file cannot be opened, read or written"""

    status = 3


class InvalidModel(MaasError, ValueError):
    """the model is damaged or breaks a rule of ONNX"""

    status = 4


class Unsupported(MaasError, NotImplementedError):
    """the model or call uses something this version of maas does not know"""

    status = 5


class TypeMismatch(MaasError, TypeError):
    """a tensor has another element type than expected"""

    status = 6


class ShapeMismatch(MaasError, ValueError):
    """a tensor has another rank or dimension than expected"""

    status = 7


class OutOfRange(MaasError, ValueError):
    """a value met during the run is outside what the operator defines"""

    status = 8


class OutOfMemory(MaasError, MemoryError):
    """memory ran out"""

    status = 9


class LimitExceeded(MaasError):
    """the memory limit or another limit was reached"""

    status = 10


class Cancelled(MaasError):
    """the run was cancelled by the caller"""

    status = 11


class DeadlineExceeded(MaasError, TimeoutError):
    """the run did not finish before its deadline"""

    status = 12


class Internal(MaasError):
    """a defect in maas; please report it"""

    status = 13


class MissingInput(MaasError, ValueError):
    """a required input was not given"""

    status = 14


class BufferTooSmall(MaasError, ValueError):
    """a caller's buffer cannot hold the result"""

    status = 15


class Busy(MaasError):
    """the handle is in use by another thread"""

    status = 16


class NotReady(MaasError):
    """the result does not exist yet"""

    status = 17


#: The class of each status.
CLASSES = {cls.status: cls for cls in MaasError.__subclasses__()}


def error_class(status: int) -> type[MaasError]:
    """The class of a status; `MaasError` itself for one that a newer library may have."""
    return CLASSES.get(status, MaasError)
