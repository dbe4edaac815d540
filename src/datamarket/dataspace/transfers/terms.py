"""Words of a transfer process."""

from enum import StrEnum

from datamarket.foundation.states import Labelled


class TransferProcessState(Labelled):
    """The protocol's five; in its messages they are written in capitals."""

    REQUESTED = "requested", "已请求", "requested"
    STARTED = "started", "传输中", "started"
    SUSPENDED = "suspended", "暂停", "suspended"
    COMPLETED = "completed", "已完成", "completed"
    TERMINATED = "terminated", "已终止", "terminated"


class TransferProcessEvent(StrEnum):
    """What moves a transfer."""

    START = "start"
    SUSPEND = "suspend"
    COMPLETE = "complete"
    TERMINATE = "terminate"
