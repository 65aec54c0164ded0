"""A strategy of your own, held to the contract of all strategies, and compared with random search."""

from dataclasses import dataclass

import morphogen as mg
from morphogen.testing import strategies


@dataclass(frozen=True)
class HillClimb(mg.Strategy):
    """Mutate the best so far; draw where there is none."""

    # What a strategy is not meant to keep of the contract, with the reason.
    exceptions = {
        "networks_are_asked_once": "it keeps no list of what it asked",
        "a_small_space_is_exhausted": "it goes on as long as it may",
    }

    def start(self, space, metric):
        """Return what is known before the first trial: any value that does not change."""
        return space, metric, None

    def ask(self, state, rng):
        """Return what to estimate next; reads the state, and takes all randomness from rng."""
        space, _, best = state
        if best is None:
            return mg.Proposal(space.sample(rng))
        return mg.Proposal(mg.spaces.mutate(space, best.architecture, rng), parent=best.number)

    def tell(self, state, trial):
        """Return the next state; told of each trial twice: when it was asked, and when it is finished."""
        space, metric, best = state
        if trial.succeeded and (best is None or metric.score(trial) > metric.score(best)):
            return space, metric, trial
        return state


@mg.estimator
def train(architecture, fidelity, rng):
    """Stand-in for training: count convolutions, with a little noise."""
    return str(architecture).count("conv") + 0.1 * rng.random()


if __name__ == "__main__":
    for name, check in strategies.checks(HillClimb(), trials=20):
        check()
        print("kept    ", name.replace("_", " "))
    for strategy in (mg.strategies.RandomSearch(), HillClimb()):
        study = mg.search(mg.spaces.digits_small(), strategy, train, limit=mg.Limit(trials=60))
        print(f"{type(strategy).__name__:<13} {study.best().estimate.values['accuracy']:.1f} convolutions")
