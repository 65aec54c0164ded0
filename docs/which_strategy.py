"""The page `which strategy when`: every number, every order and every count of it is read from committed results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from morphogen import catalog, evidence
from morphogen.evidence.entry import Finding, Result

LOST: Final = 301.0
"""What a median stands at where half of the searches did not get there in 300 queries."""

NAMES: Final = {
    "predictor-guided": "predictor_guided",
    "predictor-guided search": "predictor_guided",
    "local search": "local_search",
    "local search, each network once": "local_search",
    "regularized evolution 30/10": "regularized_evolution",
    "regularized evolution 30/10, each network once": "regularized_evolution",
    "random search": "random_search",
    "NSGA-II": "nsga2",
}
MEASURED: Final = {*NAMES.values(), "pseudo_gradient_evolution", "minimum_importance_pruning", "reinforce"}


class Missing(LookupError):
    """A result or a finding that the page quotes and that is not there any more."""


def result(claim: str) -> Result:
    """Return the committed result of a claim."""
    found = evidence.committed(claim)
    if found is None:
        raise Missing(f"docs/which_strategy.py quotes {claim}, which has no committed result")
    return found


def finding(claim: str, name: str) -> Finding:
    """Return the finding of a committed result by its name."""
    for each in result(claim).findings:
        if each.name == name:
            return each
    raise Missing(f"docs/which_strategy.py quotes a finding that {claim} does not have: {name}")


def number(value: float) -> str:
    """Return three digits of a value."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def said(found: Finding, write: Callable[[float], str] = number) -> str:
    """Return a value with its interval, where it has one."""
    value = write(found.value)
    if found.interval is None:
        return value
    low, high = write(found.interval.low), write(found.interval.high)
    return value if low == high == value else f"{value} ({low} to {high})"


def queries(value: float) -> str:
    """Return a number of queries; where the search was cut before, that it is more."""
    return "> 300" if value >= LOST else number(value)


class Row(NamedTuple):
    """A line of a comparison: what it is about, and the finding of each strategy."""

    name: str
    findings: Mapping[str, Finding]

    @property
    def least(self) -> list[str]:
        """The strategies with the smallest value."""
        least = min(found.value for found in self.findings.values())
        return [name for name, found in self.findings.items() if found.value == least]

    def sure(self, name: str) -> bool:
        """Whether the interval of a strategy lies below those of all others."""
        mine = self.findings[name].interval
        others = [found.interval for other, found in self.findings.items() if other != name]
        return mine is not None and all(other is not None and mine.high < other.low for other in others)


def table(head: str, rows: Sequence[Row], write: Callable[[float], str]) -> list[str]:
    """Return a table of rows; the smallest value of each stands out where its interval lies apart."""
    columns = list(dict.fromkeys(name for row in rows for name in row.findings))
    lines = [f"| {head} | {' | '.join(f'`{c}`' for c in columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = []
        for column in columns:
            found = row.findings.get(column)
            text = "" if found is None else said(found, write)
            cells.append(f"**{text}**" if found is not None and row.sure(column) else text)
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return [*lines, ""]


def rows(claim: str, pattern: str, only: Iterable[str] | None = None) -> list[Row]:
    """Return the rows of a comparison: findings that match `pattern`, whose groups are `of` and `who`.

    only: whom to show, all unless told. Strategies are called as in the catalogue.
    """
    found: dict[str, dict[str, Finding]] = {}
    wanted = None if only is None else set(only)
    for each in result(claim).findings:
        match = re.fullmatch(pattern, each.name)
        if match and (wanted is None or match["who"] in wanted):
            found.setdefault(match["of"], {})[NAMES.get(match["who"], match["who"])] = each
    if not found:
        raise Missing(f"docs/which_strategy.py quotes findings of {claim} that it does not have: {pattern}")
    return [Row(name, findings) for name, findings in found.items()]


def counted(lines: Sequence[Row], name: str, what: str) -> str:
    """Say in how many rows a strategy is the least, in how many of them for sure, and in which it is not."""
    first = [row.name for row in lines if row.least == [name]]
    sure = sum(row.sure(name) for row in lines)
    rest = [row.name for row in lines if row.name not in first]
    sentence = f"`{name}` has {what} on {len(first)} of {len(lines)} tables"
    sentence += f", on {sure} of them with its whole interval below the others"
    return f"{sentence}. The rest: {', '.join(rest)}." if rest else f"{sentence}."


def verdict(claim: str) -> list[str]:
    """Return what the evidence says of a claim as a whole, with a link."""
    holds = result(claim).holds
    refuted = evidence.find(claim).refuted
    text = "holds here" if holds else f"does **not** hold here as a whole. {refuted}"
    return [f"*[{claim}](evidence.md#{claim}): the claim {text}*", ""]


# --- the sections -------------------------------------------------------------------------------------------


def few_trials() -> list[str]:
    """Say how soon each strategy finds a top network."""
    who = (
        "predictor-guided",
        "local search, each network once",
        "regularized evolution 30/10, each network once",
    )
    cells = rows(
        "predictor_search", r"(?P<of>[^:]+): median queries of (?P<who>.+) to one of the best 15 cells", who
    )
    others = rows(
        "predictor_search",
        r"(?P<of>[^:]+): median queries of (?P<who>.+) to one of the best 0\.1%",
        ("predictor-guided search", "local search"),
    )
    return [
        "## Ten to a hundred trials",
        "",
        "Median queries until one of the best 0.1% of a table is found, one query at a time. Fewer is better; bold",
        "where the whole interval lies below the others.",
        "",
        *table("table", cells, queries),
        *table("table", others, queries),
        counted([*cells, *others], "predictor_guided", "the fewest"),
        "",
        *verdict("predictor_search"),
    ]


def hundreds() -> list[str]:
    """Say what strategies without a predictor reach."""
    who = ("random search", "regularized evolution 30/10", "local search")
    lines = ["## Hundreds of trials without a predictor", ""]
    lines += ["Regret (percentage points below the best network of `cell201`), each network asked once.", ""]
    found = rows(
        "search_baselines", r"(?P<of>[^:]+): regret of (?P<who>.+), each network once, after 150 queries", who
    )
    lines += table("after 150 queries on", found, number)
    for strategy in ("regularized_evolution", "local_search"):
        lines += [counted(found, strategy, "the lowest regret"), ""]
    lines += [
        *verdict("search_baselines"),
        "`reinforce` (at rate 1), and random search beside it, which repeats networks:",
        "",
    ]
    lines += ["| after 150 queries on | `reinforce` | `random_search` |", "|---|---|---|"]
    for row in found:
        name = f"{row.name}: regret {{}} after 150 queries{{}}".format
        pair = [name("at rate 1", ""), name("of random search", ", exact")]
        own, drawn = (said(finding("reinforce_mechanics", text)) for text in pair)
        lines.append(f"| {row.name} | {own} | {drawn} |")
    return [*lines, "", *verdict("reinforce_mechanics")]


def several() -> list[str]:
    """Say how near two strategies come to exact frontiers."""
    found = rows(
        "nsga2_frontier",
        r"(?P<of>.+): % of the exact hypervolume that (?P<who>NSGA-II|random search) lacks after 300 queries",
    )
    return [
        "## Several objectives",
        "",
        "What is lacking of the exact hypervolume of accuracy and latency after 300 queries, in %:",
        "",
        *table("table", found, number),
        counted(found, "nsga2", "the least lacking"),
        "",
        *verdict("nsga2_frontier"),
    ]


def batches() -> list[str]:
    """Say what many workers cost a predictor, and what its pool is worth."""
    name = "{}: median queries in rounds of ten to one of the best 15 cells"
    tables = ("cifar10", "cifar100", "imagenet16-120")
    one = "{}: median queries of predictor-guided to one of the best 15 cells"
    lines = [
        "## Many workers at once",
        "",
        "Median queries to a top cell where the predictor is refitted after each query, and after every tenth only:",
        "",
        "| table | one at a time | in rounds of ten |",
        "|---|---|---|",
    ]
    for each in tables:
        pair = [said(finding("predictor_search", text.format(each)), queries) for text in (one, name)]
        lines.append(f"| {each} | {pair[0]} | {pair[1]} |")
    pools = rows(
        "sampling_gain",
        r"(?P<of>\S+), rounds of ten: median queries to a top cell, pool (?P<who>.+)",
        (
            "full",
            "random 20",
            "random 50",
            "mutate 50",
            "mutate 100",
            "mutate 1000",
            "neighbours",
            "evolve 100",
        ),
    )
    lines += ["", "And by the pool that the predictor chooses from (`-o pool=...`):", ""]
    return [*lines, *table("rounds of ten on", pools, queries), *verdict("sampling_gain")]


def regions() -> list[str]:
    """Say how well supernets order the networks of a region."""
    beds = rows(
        "fade_rank_correlation",
        r"(?P<of>[^:]+): (?P<who>four supernets, sum of log ranks)",
        ("four supernets, sum of log ranks",),
    )
    lines = [
        "## Regions instead of single networks",
        "",
        "`pseudo_gradient_evolution` with the estimator `fade` trains supernets over a region. How well four of them",
        "order the networks of the region (Spearman with all of them trained alone):",
        "",
        "| networks | Spearman |",
        "|---|---|",
    ]
    lines += [f"| {row.name} | {said(next(iter(row.findings.values())))} |" for row in beds]
    winners = [
        (name, finding("fade_search", f"test loss of the winner, {name}"))
        for name in (
            "FaDE",
            "the same loop with shuffled ranks",
            "random regions",
            "random search",
            "regularized evolution",
        )
    ]
    p = finding("fade_search", "FaDE less the same loop with shuffled ranks, one-sided p")
    saving = finding("fade_linear_cost", "saving by four of them at depth 3")
    less = finding("fade_linear_cost", "saving by four of them at depth 2")
    return [
        *lines,
        "",
        f"To train all networks of a region alone takes {number(saving.value)} times as long as four supernets at",
        f"three positions, and {number(less.value)} times as long at two.",
        "",
        "What searches at equal seconds found, by the test loss of their winners (less is better):",
        "",
        "| search | test loss |",
        "|---|---|",
        *(f"| {name} | {said(found)} |" for name, found in winners),
        "",
        f"So the ranks carry the search (p = {number(p.value)} against shuffled ones); where the table has no clear",
        "winner, searches of single networks are as good.",
        "",
        *verdict("fade_rank_correlation"),
        *verdict("fade_convolutions"),
        *verdict("fade_beyond"),
        *verdict("fade_search"),
        *verdict("fade_linear_cost"),
    ]


def cheap() -> list[str]:
    """Say how well scores at initialization order networks."""
    scores = rows("zero_cost", r"(?P<who>\w+): (?P<of>Spearman with the validation accuracy)")
    ranked = sorted(scores[0].findings.items(), key=lambda pair: -pair[1].value)
    size = scores[0].findings["parameters"]
    above = [name for name, found in ranked if found.value > size.value]
    lines = [
        "## Scores without training",
        "",
        "Spearman with the validation accuracy of 50 cells of `cell201`:",
        "",
    ]
    lines += [
        "| score | Spearman |",
        "|---|---|",
        *(f"| `{name}` | {said(found)} |" for name, found in ranked),
        "",
    ]
    best = [f"`{name}`" for name in above]
    lines += [
        f"Above the plain number of parameters: {', '.join(best) or 'none'}. Compare before you rely on one.",
        "",
    ]
    return lines + verdict("zero_cost")


def recipes() -> list[str]:
    """Say how well cheap training orders networks where its recipe was found on others."""
    start = "split cells: best recipe within 0.55 GPU hours, by the forest: "
    found = finding("bpe_replay", f"{start}Spearman on the other half")
    gain = finding("bpe_replay", f"{start}gain on the median recipe, other half")
    return [
        "## Cheap training",
        "",
        "`minimum_importance_pruning` finds a cheap training recipe, which is then a fidelity under any strategy",
        "([recipes](../recipes.md)). In its authors' measurements the best recipe within 0.55 GPU hours, chosen on one",
        f"half of 100 cells, orders the other half with a Spearman of {said(found)}; that is {said(gain)}",
        "more than the median recipe.",
        "",
        *verdict("bpe_replay"),
    ]


def unmeasured() -> list[str]:
    """Say which strategies no result speaks of."""
    missing = [e for e in catalog.entries("strategy") if e.name not in MEASURED]
    names, wide = ([f"`{e.name}`" for e in missing if e.regions == regions] for regions in (False, True))
    return [
        "## Not measured",
        "",
        f"No committed result compares these with the others yet: {', '.join(names)}. They keep the same contracts,",
        "and `morphogen compare` runs them on your table beside random search.",
        "",
        f"Nor of {', '.join(wide)}, which proposes regions, with the estimator `darts`: a search beside",
        "`random_search` on your data ([regions](../regions.md)) says whether it is worth its seconds.",
        "",
    ]


def page() -> str:
    """Return the page."""
    head = [
        "# Which strategy when",
        "",
        "What was measured here, and nothing else: each number, and each count in a sentence, is read from the",
        "committed results when this page is built. Behind each is the [evidence](evidence.md), with its control and",
        "its command; in parentheses stand 95% intervals. A table answers for the space that it was made of. Where",
        "yours is another one, `morphogen compare` on a table of your own, or a search beside `random_search`, says",
        "more.",
        "",
    ]
    sections = (few_trials, hundreds, several, batches, regions, cheap, recipes, unmeasured)
    return "\n".join([*head, *(line for section in sections for line in section())])
