"""Evolution on images with two workers, and a journal that the same program goes on with."""

import morphogen as mg


def main() -> None:
    """Search, go on with the search, and train the best network for longer."""
    training = mg.estimators.Training(mg.load_data("digits"), epochs=2, channels=8)
    strategy = mg.strategies.RegularizedEvolution(population=3, tournament=2)
    for trials in (4, 6):  # the second time it goes on from trial 4
        study = mg.search(
            mg.spaces.digits_small(),
            strategy,
            training,
            "evolution.db",
            limit=mg.Limit(trials=trials),
            pool=mg.pools.Processes(2, timeout=60),
        )
        print(f"{len(study.trials)} trials, best accuracy {study.best().estimate.values['accuracy']:.3f}")
    for trial in study.frontier(["accuracy", "parameters"]):
        values = trial.estimate.values
        print(f"  trial {trial.number}: {values['accuracy']:.3f} with {values['parameters']:,.0f} parameters")
    final = mg.estimators.retrain(
        study.best().architecture, training, mg.stream(0, "final"), mg.Fidelity(epochs=4)
    )
    low, high = final.interval
    print(f"test accuracy {final.accuracy:.3f} ({low:.3f} to {high:.3f})")
    mg.networks.save(final.network, "best")


if __name__ == "__main__":  # worker processes import this file
    main()
