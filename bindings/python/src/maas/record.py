"""Objects that are their fields. `dataclasses` compiles six functions for each class when a program starts; this does
not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Callable[[type], type]:
        """Says to checkers of types, which alone need it, that subclasses are like dataclasses."""
        return lambda kind: kind


#: The default of a field that must be given.
_REQUIRED = object()


class _Signature:
    """What `help` and `inspect` say of the class."""

    def __get__(self, record: Any, kind: type[Record]) -> Any:
        from inspect import Parameter, Signature

        form = Parameter.KEYWORD_ONLY if kind._named_only else Parameter.POSITIONAL_OR_KEYWORD
        defaults = {name: Parameter.empty if value is _REQUIRED else value for name, value in kind._fields.items()}
        return Signature([Parameter(name, form, default=value) for name, value in defaults.items()])


@dataclass_transform(frozen_default=True)
class Record:
    """A subclass's annotations are its fields, with their defaults, behind its base's; they are never changed."""

    _fields: ClassVar[dict[str, Any]] = {}
    #: Whether fields are given by name alone.
    _named_only: ClassVar[bool] = False
    __signature__ = _Signature()

    def __init_subclass__(cls) -> None:
        names = [name for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind)]
        cls._fields = cls._fields | {name: cls.__dict__.get(name, _REQUIRED) for name in names}

    def __init__(self, *values: Any, **named: Any) -> None:
        fields, kind = self._fields, type(self).__name__
        if len(values) > (0 if self._named_only else len(fields)):
            raise TypeError(f"{kind} takes at most {len(fields)} arguments{', by name' * self._named_only}")
        given = dict(zip(fields, values))
        for name in named:
            if name not in fields or name in given:
                raise TypeError(f"{kind} {'has two of' if name in given else 'has no'} argument '{name}'")
        found = fields | given | named
        for name, value in found.items():
            if value is _REQUIRED:
                raise TypeError(f"{kind} needs the argument '{name}'")
        self.__dict__.update(found)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: make another one for another {name}")

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
