"""What is counted by its states."""

from datamarket.foundation.states import Labelled


class TalliedThing(Labelled):
    """A kind of thing of the subsidy desk that has a life."""

    RUN = "run", "奖补运行", "runs"
    APPLICATION = "application", "申报", "applications"
    FLAG = "flag", "诚信疑点", "flags"
    OBJECTION = "objection", "异议与申诉", "objections and appeals"
    RECOVERY = "recovery", "追回", "recoveries"
