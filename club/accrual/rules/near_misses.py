"""How near a rule came to counting: how many clauses kept its condition from holding.

As `explain` counts them, at a hundredth of its price: of fifty rules that an event was put to, only
the nearest are explained.
"""

import ast
from collections.abc import Callable
from functools import lru_cache, reduce

from club.accrual.rules.model import All, AnyOf, Condition, Not
from club.accrual.rules.to_python import compiled, condition_node, function


@lru_cache(maxsize=1_000)
def clauses_failed(canonicals: tuple[str, ...]) -> Callable[..., tuple[int, ...]]:
    """A function of the facts, positional, for the texts of stored versions: a count for each, 0 where
    its condition holds. One call for all, as `together` is. Raises as `compiled` does."""
    counts = [_deciding(compiled(one).rule.condition, ok=False) for one in canonicals]
    return function(ast.Tuple(counts, ast.Load()), name=f"<failed clauses of {len(counts)} rules>")


def _deciding(condition: Condition, *, ok: bool) -> ast.expr:
    """How many leaves made the condition `ok`; nothing where it is otherwise."""
    match condition:
        case Not(of=inner):
            return _deciding(inner, ok=not ok)
        case All(of=parts) | AnyOf(of=parts):
            counted = reduce(_plus, [_deciding(part, ok=ok) for part in parts])
            if isinstance(condition, All) != ok:  # one part is enough, and the others count nothing
                return counted
            holds, none = condition_node(condition), ast.Constant(0)
            return ast.IfExp(holds, counted, none) if ok else ast.IfExp(holds, none, counted)
    leaf = ast.IfExp(condition_node(condition), ast.Constant(1), ast.Constant(0))
    return leaf if ok else ast.BinOp(ast.Constant(1), ast.Sub(), leaf)


def _plus(one: ast.expr, other: ast.expr) -> ast.expr:
    return ast.BinOp(one, ast.Add(), other)
