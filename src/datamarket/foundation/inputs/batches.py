"""The items of a batch, checked one after another: all faults are counted, the first twenty are told."""

from typing import Any

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

FAULTS_TOLD = 20
"""What a person mends at once; each costs some microseconds and a kilobyte."""
REST = "faults_not_told"


def each(shape: type[BaseModel], most: int) -> WrapValidator:
    """Checks the items of a `list[shape]` that may have so many; of another length it is refused as a whole."""
    validated = (
        shape.__pydantic_validator__.validate_python
    )  # `model_validate` without half a microsecond an item

    def check(items: Any, whole: ValidatorFunctionWrapHandler) -> Any:
        if type(items) is not list or not 0 < len(items) <= most:
            return whole(items)
        checked: list[Any] = []
        told: list[InitErrorDetails] = []
        count = 0
        for number, item in enumerate(items):
            try:
                checked.append(validated(item))
            except ValidationError as error:
                count += error.error_count()
                if len(told) < FAULTS_TOLD:
                    told += [_at(number, fault) for fault in error.errors(include_url=False)]
        if count > len(told):
            rest = PydanticCustomError(REST, "{count} more", {"count": count - len(told)})
            told.append(InitErrorDetails(type=rest, loc=(), input=None))
        if told:
            raise ValidationError.from_exception_data(shape.__name__, told)
        return checked

    return WrapValidator(check)


def _at(number: int, fault: ErrorDetails) -> InitErrorDetails:
    """A fault of one item as one of the list."""
    return InitErrorDetails(
        type=fault["type"], loc=(number, *fault["loc"]), input=fault["input"], ctx=fault.get("ctx", {})
    )
