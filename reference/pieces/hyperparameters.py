"""The hyperparameters that optimizers share: names in libraries, bounds, roles, and the values at which they are tried."""

from __future__ import annotations

from ..vocabulary import Hyperparameter, Role, Trials

EPSILON_NAMES = ("epsilon", "delta")
MOMENTUM_NAMES = ("mu", "m", "momentum_rate", "gamma")
START_NAMES = ("initial_accumulator_value", "initial_accumulator", "initial_value")

_KEPT = (0.9, 0.95, 0.8, 0.5)

BETA1 = Hyperparameter(
    "beta1",
    "how much of the first moment is kept, dimensionless",
    0.9,
    0.0,
    1.0,
    Role.DECAY_RATE,
    ("b1", "beta_1", "betas[0]", "beta[0]", "b_1", "β1", "decay1", "momentum", "mu"),
    trials=Trials((0.9, 0.875, 0.5), 0.75, 0.9, _KEPT),
)
BETA2 = Hyperparameter(
    "beta2",
    "how much of the second moment is kept, dimensionless",
    0.999,
    0.0,
    1.0,
    Role.DECAY_RATE,
    ("b2", "beta_2", "betas[1]", "beta[1]", "b_2", "β2", "decay2", "rho"),
    trials=Trials((0.999, 0.9375, 0.75), 0.9375, 0.999, (0.999, 0.99, 0.95, 0.98, 0.9)),
)
EPS = Hyperparameter(
    "eps",
    "keeps the quotient finite where S is zero",
    1e-8,
    role=Role.EPSILON,
    aliases=EPSILON_NAMES,
    trials=Trials((1e-8, 2.0**-10, 2.0**-4), 2.0**-10, 1e-6, (1e-8, 1e-7, 1e-10, 1e-6, 1e-16, 1e-12, 1e-5, 1e-3, 0.0)),
)
EPS_ROOT = Hyperparameter(
    "eps_root",
    "ε̄, under the root where there is one outside, too",
    1e-8,
    role=Role.EPSILON,
    aliases=("epsilon_root",),
    neutral=0.0,
    trials=Trials.at(2.0**-6),
)
WEIGHT_DECAY = Hyperparameter(
    "weight_decay",
    "λ, where there is weight decay",
    0.01,
    aliases=(
        *("wd", "weight_decay_rate", "weightdecay", "l2", "l2_penalty", "l2_regularization"),
        *("lambda", "lambda_", "lambd", "lam"),
    ),
    neutral=0.0,
    trials=Trials.at(0.125, 0.125, 0.01),
)
INITIAL_RATE = Hyperparameter(
    "initial_rate",
    "α₀, the first rate, where the decay is relative to it",
    1.0,
    role=Role.FIRST_RATE,
    aliases=("initial_lr", "initial_learning_rate", "lr0", "base_lr"),
)
RATE_DECAY = Hyperparameter(
    "rate_decay",
    "γ, where the rate decays with the steps done",
    0.01,
    aliases=("lr_decay", "learning_rate_decay", "decay"),
    neutral=0.0,
    trials=Trials.at(0.25),
)
MOMENTUM = Hyperparameter(
    "momentum",
    "how much of the buffer is kept where there is one, dimensionless",
    0.9,
    0.0,
    1.0,
    Role.DECAY_RATE,
    MOMENTUM_NAMES,
    neutral=0.0,
    trials=Trials.at(0.5, 0.5, 0.9),
)
KEPT = Trials((0.9, 0.875, 0.5), 0.75, 0.9, (0.9, 0.99, 0.95, 0.999, 0.5))


def initial(name: str, of: str, default: float, aliases: tuple[str, ...] = ()) -> Hyperparameter:
    """The number that an average starts at, where it starts at a number of one's own."""
    meaning = f"{of} before the first step where it starts at a number of one's own"
    return Hyperparameter(name, meaning, default, aliases=aliases, neutral=0.0, trials=Trials.at(1.0))
