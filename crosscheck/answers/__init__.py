"""What identification and porting answer, as plain data: the seam between the engine and the texts made of answers.

Nothing here computes. ``as_json`` gives the data to programs, in which an enum stands as its value; the texts for people are
made in ``reports.terminal``.
"""

from __future__ import annotations

from .answer import Answer, Verdict
from .defaults import Default, Defaults, Row, Table, Value
from .functions import Arrangement, Aside, FunctionAnswer, LineTrial, NanFlow, Raised, Reduction, Rival, Tie, Unlaid
from .optimizers import (
    Alike,
    Around,
    Bound,
    Evidence,
    Fails,
    Identification,
    Kind,
    Matrices,
    Memory,
    Partly,
    Separator,
    Stored,
    TraceWitness,
    Way,
)
from .ports import Closer, Doubts, Mapped, Port, PortWitness, Proof, Refusal, Remains
from .surroundings import (
    Action,
    Event,
    FailingRun,
    Keeping,
    LateWeight,
    Lost,
    MissingGradient,
    Printed,
    Question,
    Several,
    Surroundings,
    Unanswered,
)

__all__ = [
    "Action",
    "Alike",
    "Answer",
    "Around",
    "Arrangement",
    "Aside",
    "Bound",
    "Closer",
    "Default",
    "Defaults",
    "Doubts",
    "Event",
    "Evidence",
    "FailingRun",
    "Fails",
    "FunctionAnswer",
    "Identification",
    "Keeping",
    "Kind",
    "LateWeight",
    "LineTrial",
    "Lost",
    "Mapped",
    "Matrices",
    "Memory",
    "MissingGradient",
    "NanFlow",
    "Partly",
    "Port",
    "PortWitness",
    "Printed",
    "Proof",
    "Question",
    "Raised",
    "Reduction",
    "Refusal",
    "Remains",
    "Rival",
    "Row",
    "Separator",
    "Several",
    "Stored",
    "Surroundings",
    "Table",
    "Tie",
    "TraceWitness",
    "Unanswered",
    "Unlaid",
    "Value",
    "Verdict",
    "Way",
]
