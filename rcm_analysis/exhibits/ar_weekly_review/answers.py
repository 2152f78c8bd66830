"""Page one of the week: what moved, what is stuck, what is to be decided."""

from __future__ import annotations

from ...measures.receivable.roll_forward import ar_movement
from ..blocks import Block, cards
from ..formats import as_text, comma_list, counted, sentence
from ..incomplete import incomplete_note, limits_untold
from ..pages import page
from .decisions import needed
from .facts import Facts


@page
def answers(facts: Facts) -> list[Block]:
    """Three answers on top."""
    return [*incomplete_note(facts.subject), cards([_moved(facts), _stuck(facts), _decisions(facts)])]


def _moved(facts: Facts) -> tuple[str, str, str]:
    now = ar_movement(facts.subject.tables, period=facts.week).iloc[0]
    opening, closing = int(now["opening_cents"]), int(now["closing_cents"])
    change = closing - opening
    moved = (
        "as much as a week before"
        if not change
        else f"{as_text(abs(change), 'usd')} {'more' if change > 0 else 'less'} than a week before"
    )
    return (
        "What moved?",
        f"{as_text(closing, 'usd')} open",
        f"{sentence(moved)}: {as_text(int(now['new_cents'] + now['grown_cents']), 'usd')} of new balances, "
        f"{as_text(int(now['paid_cents']), 'usd')} paid.",
    )


def _stuck(facts: Facts) -> tuple[str, str, str]:
    rows = facts.stuck
    if rows.empty:
        return "What is stuck?", "nothing", "No claim waits for the practice, a payer or us."
    each = rows.drop_duplicates("claim_id")
    waits = rows.drop_duplicates(["who", "claim_id"]).groupby("who")["open_cents"].sum().sort_values(ascending=False)
    words = comma_list(
        f"{as_text(int(cents), 'usd')} for {'the ' if who in ('practice', 'payer') else ''}{who}"
        for who, cents in waits.items()
    )
    return "What is stuck?", as_text(int(each["open_cents"].sum()), "usd"), f"{counted(len(each), 'claim')}; {words}."


def _decisions(facts: Facts) -> tuple[str, str, str]:
    soon, actions = facts.due_soon, needed(facts)
    question = "What is to be decided?"
    late = f" {sentence(counted(len(facts.overdue), 'agreed action is', 'agreed actions are'))} overdue."
    late = late if len(facts.overdue) else ""
    limits = (
        f"{counted(len(soon), 'time limit ends', 'time limits end')} within 14 days "
        f"({as_text(int(soon['open_cents'].sum()), 'usd')}), the first on {as_text(soon['deadline_on'].min(), 'date')}."
        if len(soon)
        else limits_untold(facts.subject) or "No limit ends within fourteen days."
    )
    if not actions:
        return question, "nothing asked", f"{limits}{late}"
    first = actions[0]
    return (
        question,
        counted(len(actions), "decision"),
        f"First: {first.title} ({as_text(first.amount_cents, 'usd')}), by {as_text(first.due, 'date')}. {limits}{late}",
    )
