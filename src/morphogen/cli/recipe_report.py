"""What `recipe` says at its end: the front of cost and agreement, the two picks, and early stopping beside them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from morphogen.cli.reading import wrapped

if TYPE_CHECKING:
    from morphogen.budgeted import Known
    from morphogen.cli.recipe_plan import Found
    from morphogen.records import Fidelity

HEAD: Final = (
    f"{'':<6}{'cheaper':>8}{'seconds':>9}  {'Spearman':<8}  {'95 %':<12}{'stopped early':>14}  recipe"
)


def tell(found: Found, to: Path, folder: Path, *, as_json: bool) -> None:
    """Print the front as a table, the verdict, and what to do next."""
    if as_json:
        print(json.dumps(plain(found, to), indent=1))
        return
    from rich.console import Console

    from morphogen import budgeted

    console = Console(highlight=False, soft_wrap=True)
    width = min(console.width, 100)
    plan, written = found.plan, found.written
    several = f", {len(found.truth)} times each" if len(found.truth) > 1 else ""
    console.print(
        f"[bold]{len(found.recipes)} recipes for {plan.space.name} on {plan.training.data.name}[/], "
        f"against {written.references} networks trained in full{several}, ranked by {written.metric}"
    )
    console.print("The front: no recipe is cheaper and agrees better", style="dim")
    console.print(HEAD, style="dim")
    for each in budgeted.front([*found.recipes]):
        line = _line(each, found)
        console.print(line, style="bold" if line[:3] == "BPE" else "")
    if found.accurate not in budgeted.front(found.recipes):
        console.print(_line(found.accurate, found), style="bold")
    ceiling = budgeted.noise_ceiling(found.truth)
    said_of_it = "" if ceiling is None else f"  {ceiling:<10.2f}of one full training with another"
    console.print(f"{'full':<6}{'1x':>8}{found.full_seconds:>9.3g}{said_of_it}")
    console.print()
    for line in verdict(found):
        console.print(wrapped(line, width, 0))
    half = budgeted.better_half(_scores(found), found.truth.mean(axis=0).tolist())
    console.print(
        wrapped(
            f"Written to {to}: {said(written.fidelity, plan.full)}; {written.speedup:.0f} times cheaper than full "
            f"training, Spearman {written.spearman:.2f} ({written.low:.2f} to {written.high:.2f}), among the "
            f"better half of the networks {half:.2f}",
            width,
            0,
        ),
        style="bold",
    )
    full, recipes, early = (round(part) for part in found.bill)
    saved = max(1e-9, 1 - 1 / written.speedup)
    console.print(
        wrapped(
            f"To find it cost as much as {full + recipes + early:,} full trainings ({full:,} references, {recipes:,} "
            f"recipes, {early:,} stopped early): it pays in searches of more than {sum(found.bill) / saved:,.0f} "
            "networks, one or several.",
            width,
            0,
        )
    )
    console.print("Next", style="bold")
    words = "".join(f" -t {word}" for word in written.training)
    data = f" --data {plan.settings.data}" if plan.settings.data else ""
    todo = {
        f"morphogen search --space {plan.settings.space}{data}{words} --fidelity {to}": "search by it",
        f"morphogen show {folder / 'recipes.db'} --importance": "which settings matter",
    }
    for command, about in todo.items():
        console.print(f"  {command}  {about}")


def verdict(found: Found) -> list[str]:
    """Say how the choice compares with full training that is stopped early at the same cost."""
    lead = found.lead
    if lead is None:
        return [
            "There are too few references, or no stopped training of that cost, to compare the recipe with full "
            "training stopped early."
        ]
    judged = (
        f"Chosen by half of the networks and judged by the other, recipes reach Spearman {lead.chosen:.2f}; full "
        f"training stopped early at the same cost reaches {lead.early:.2f} (difference {lead.gain:+.2f}, "
        f"{lead.low:+.2f} to {lead.high:+.2f} in 95 of 100 halves)."
    )
    if found.written.kind == "recipe":
        sure = "" if lead.low > 0 else " That is not sure: more --references would tell."
        return [f"{judged}{sure}"]
    return [judged, "No recipe beats full training stopped early here, so the stopped training is written."]


def said(recipe: Fidelity, full: Fidelity) -> str:
    """Return the settings of a recipe that are not those of full training."""
    different = {n: v for n, v in recipe.to_json().items() if getattr(full, n) != v}
    if set(different) == {"stop"}:
        steps = f"{different['stop']:.2%}".replace(".00%", "%")
        return f"full training, stopped after {steps} of its steps"
    return ", ".join(f"{n.replace('_', ' ')} {v:g}" for n, v in different.items()) or "full training"


def plain(found: Found, to: Path) -> dict[str, Any]:
    """Return the result as plain values."""
    from morphogen import budgeted

    lead = found.lead

    def row(known: Known) -> dict[str, Any]:
        return {
            "recipe": known.recipe.to_json(),
            **known.values,
            "cheaper": found.full_seconds / known.seconds,
        }

    return {
        "recipe": str(to),
        "kind": found.written.kind,
        "fidelity": found.written.fidelity.to_json(),
        "cheaper": found.written.speedup,
        "spearman": found.written.spearman,
        "front": [row(each) for each in budgeted.front(found.recipes)],
        "bpe-1": row(found.cheap),
        "bpe-2": row(found.accurate),
        "early": [row(each) for each in found.early],
        "full_seconds": found.full_seconds,
        "bill": dict(zip(("full", "recipes", "early"), found.bill, strict=True)),
        "ceiling": budgeted.noise_ceiling(found.truth),
        "lead": None if lead is None else asdict(lead),
    }


def _line(known: Known, found: Found) -> str:
    from morphogen import budgeted

    marks = [name for name, pick in (("1", found.cheap), ("2", found.accurate)) if known is pick]
    mark = f"BPE-{'+'.join(marks)}" if marks else ""
    rival = budgeted.rival(found.early, known.seconds)
    beside = f"{rival.spearman:.2f}" if rival else ""
    values = known.values
    interval = f"{values['spearman_low']:.2f} to {values['spearman_high']:.2f}"
    return (
        f"{mark:<7}{found.full_seconds / known.seconds:>6.0f}x{known.seconds:>9.3g}  {known.spearman:<8.2f}  "
        f"{interval:<12}{beside:>14}  {said(known.recipe, found.plan.full)}"
    )


def _scores(found: Found) -> tuple[float, ...]:
    written = found.written
    for each in (*found.recipes, *found.early):
        if each.recipe.over(found.plan.full) == written.fidelity:
            return tuple(each.scores)
    raise AssertionError("what is written was measured")
