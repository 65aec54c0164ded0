"""How `recipe` works: references trained in full, a study of recipes, full training stopped early beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from morphogen.cli.errors import Failed, Wrong, note
from morphogen.cli.reading import plural
from morphogen.cli.recipe_knobs import given_knobs, setting

if TYPE_CHECKING:
    from morphogen.architecture import Architecture
    from morphogen.budgeted import Known, Lead
    from morphogen.cli.settings import Settings
    from morphogen.estimators.estimator import Estimator
    from morphogen.estimators.training import Training
    from morphogen.found_recipe import FoundRecipe
    from morphogen.records import Fidelity
    from morphogen.spaces import Space
    from morphogen.strategies import Strategy
    from morphogen.study import Limit, Study


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is decided before something is trained."""

    settings: Settings
    to: Path
    space: Space
    training: Training
    full: Fidelity
    references: tuple[Architecture, ...]
    repeats: int
    recipes: Space
    quiet: bool

    @classmethod
    def of(
        cls,
        settings: Settings,
        to: Path,
        count: int,
        repeats: int,
        words: Sequence[str],
        *,
        quiet: bool,
    ) -> Plan:
        """Look at space and data, draw the references, build the space of recipes; raise `Wrong` for what cannot be."""
        from morphogen import budgeted
        from morphogen.recipes import recipe_space
        from morphogen.records import Fidelity

        space, training = settings.find_space(), settings.find_estimator()[1]
        assert training is not None
        known = [metric.name for metric in training.metrics]
        if settings.metric not in known:
            raise Wrong(f"--metric {settings.metric}: training reports {', '.join(known)}")
        side = settings.fidelity.get("resolution")
        full = budgeted.full_fidelity(training, Fidelity(resolution=int(side) if side else None))
        try:
            networks = budgeted.references(space, training, full, count, settings.seed)
        except ValueError as error:
            raise Wrong(str(error)) from None
        if len(networks) < count:
            note(f"{space.name} has {len(networks)} different networks that fit: all of them are references")
        knobs = given_knobs(words, full, training, networks) or budgeted.fitting_knobs(
            full, training, networks
        )
        if not knobs:
            raise Wrong("no setting of so small a training can be cheaper: give --knob NAME=A,B,...")
        return cls(
            settings=settings,
            to=to,
            space=space,
            training=training,
            full=full,
            references=networks,
            repeats=repeats,
            recipes=recipe_space(knobs),
            quiet=quiet,
        )

    @property
    def folder(self) -> Path:
        """Where the studies are."""
        return self.to.with_name(f"{self.to.stem}-study")

    def run(
        self, name: str, space: Space, strategy: Strategy[Any], estimator: Estimator, limit: Limit, seed: int
    ) -> Study:
        """Run, or go on with, one of the three studies in the folder."""
        from morphogen.cli.progress import watched
        from morphogen.cli.tally import Tally
        from morphogen.journal import JournalError, open_journal
        from morphogen.study import search

        self.folder.mkdir(exist_ok=True)
        path, pool, tally = self.folder / f"{name}.db", self.settings.pool(), Tally(limit)
        if path.exists():
            tally.replay(open_journal(path).read())
        metric = self.settings.metric if name == "full" else None
        try:
            with watched(tally, pool.capacity, quiet=self.quiet) as see:
                return search(
                    space,
                    strategy,
                    estimator,
                    path,
                    limit=limit,
                    seed=seed,
                    pool=pool,
                    metric=metric,
                    on_event=see,
                    notes={"begun_by": f"morphogen recipe --to {self.to}"},
                )
        except JournalError as error:
            if "another search" not in str(error):
                raise
            raise Wrong(f"{error} (--to names another file, whose study stands beside it)") from None

    def say(self, message: str) -> None:
        """Tell on standard error what is going on, unless told to be quiet."""
        if not self.quiet:
            note(message)


@final
@dataclass(frozen=True, kw_only=True)
class Found:
    """What came out: the study of recipes, the stopped trainings, the two picks and what is written.

    lead: of the pick on the stopped training of equal cost, None where they cannot be compared. bill: what the three
    studies cost, in full trainings.
    """

    plan: Plan
    truth: Any
    full_seconds: float
    recipes: list[Known]
    early: list[Known]
    cheap: Known
    accurate: Known
    lead: Lead | None
    bill: tuple[float, ...]
    written: FoundRecipe


def found(plan: Plan, trials: int, cheaper: float, pick: str) -> Found:
    """Run the three studies, or go on with them, and return what came out; raise `Failed` where nothing can."""
    import numpy as np

    from morphogen import __version__, budgeted
    from morphogen.estimators.at_fidelity import AtFidelity
    from morphogen.estimators.rank_agreement import FEWEST, RankAgreement
    from morphogen.found_recipe import FoundRecipe
    from morphogen.seeding import stream
    from morphogen.spaces.listed import listed
    from morphogen.strategies.listed import Listed
    from morphogen.strategies.minimum_importance_pruning import MinimumImportancePruning
    from morphogen.study import Limit

    space, training, data, seed = plan.space, plan.training, plan.training.data, plan.settings.seed
    count, times = len(plan.references), plan.repeats
    sizes = ", ".join(f"{getattr(data, s).size:,} {s}" for s in ("train", "validation", "test"))
    plan.say(f"{space}")
    plan.say(f"{data.name}: {sizes} images, {len(data.classes)} classes")
    often = "once" if times == 1 else f"{times} times"
    length = plural(plan.full.epochs or 0, "epoch")
    plan.say(f"1 of 3: {count} networks trained in full, {often}, {length} each")
    estimator, most = AtFidelity(training, plan.full), Limit(trials=count * times)
    networks = listed(plan.references, f"{count} of {space.name}")
    study = plan.run("full", networks, Listed(times=times), estimator, most, seed)
    kept, each, seconds = budgeted.truth_of(study.trials, study.metric, count, times)
    for reason in budgeted.reasons(study.trials):
        plan.say(f"left out: networks that cannot be trained in full ({reason})")
    if len(kept) < FEWEST:
        raise Failed(
            f"{len(kept)} of {count} networks can be trained in full, a rank agreement needs {FEWEST}: "
            f"`morphogen show {plan.folder / 'full.db'}` says why"
        )
    truth = each.mean(axis=0)
    if np.ptp(truth) == 0:
        raise Failed(
            f"all networks have one {study.metric.name}: there is no order to find; take another space"
        )

    chosen = tuple(plan.references[place] for place in kept)
    agreement = RankAgreement(
        estimator,
        chosen,
        tuple(truth.tolist()),
        score=study.metric.name,
        cache=str((plan.folder / "trainings.jsonl").resolve()),
    )
    names = ", ".join(setting(rule.name) for rule in plan.recipes.grammar.rules[1:])
    plan.say(f"2 of 3: {min(trials, plan.recipes.count())} of {plan.recipes.count():,} recipes: {names}")
    pruning = MinimumImportancePruning.improved(seed=seed)
    recipes = plan.run("recipes", plan.recipes, pruning, agreement, Limit(trials=trials), seed)
    stops = listed(budgeted.stopped(plan.full, training), "full training stopped early")
    plan.say(f"3 of 3: full training stopped early, at {stops.count()} points")
    early = plan.run("early", stops, Listed(), agreement, Limit(trials=int(stops.count())), seed + 1)

    known = budgeted.known(agreement, recipes.trials, seed)
    other = budgeted.known(agreement, early.trials, seed + 1)
    try:
        cheap, accurate = budgeted.picks(known, seconds / cheaper)
    except ValueError as error:
        raise Failed(
            f"{error}: full training takes {seconds:.3g} s, so ask for less than --cheaper {cheaper:g}, or for "
            "more recipes (--trials)"
        ) from None
    best = cheap if pick == "bpe-1" else accurate
    lead = budgeted.lead(known, other, truth.tolist(), best.seconds, stream(seed, "halves"))
    rival = budgeted.rival(other, best.seconds)
    kind = "recipe"
    if lead is not None and lead.gain <= 0 and rival is not None:
        best, kind = rival, "early stopping"
    written = FoundRecipe(
        fidelity=best.recipe.over(plan.full),
        full=plan.full,
        kind=kind,
        training=plan.settings.training,
        space={"name": space.name, "fingerprint": space.fingerprint},
        data={"name": data.name, "fingerprint": data.fingerprint},
        metric=study.metric.name,
        spearman=best.spearman,
        low=best.values["spearman_low"],
        high=best.values["spearman_high"],
        references=len(kept),
        seconds=best.seconds,
        full_seconds=seconds,
        version=__version__,
    )
    return Found(
        plan=plan,
        truth=each,
        full_seconds=seconds,
        recipes=known,
        early=other,
        cheap=cheap,
        accurate=accurate,
        lead=lead,
        bill=tuple(each_study.ledger.cost / seconds for each_study in (study, recipes, early)),
        written=written,
    )
