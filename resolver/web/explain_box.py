"""The status page's question: what becomes of a name for a client or a VLAN, and why.

The answer is that of ``darban explain``, key by key. What makes no sense is said beside the
form, and whatever was typed stays in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resolver.analysis.explanation import Explainer, Explanation
from resolver.dns import codes, names
from resolver.web.markup import NOTHING, Markup, fill, isolated, join, tag
from resolver.web.status_words import Words

_LONGEST = 300
_SHOWN = 80
_TITLE_KEYS = ("name", "type", "outcome")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed into the form; nothing where it was only looked at."""

    who: str
    name: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return not self.who and not self.name


class _Nonsense(Exception):
    """What was asked makes no sense."""

    def __init__(self, message: Markup, *fields: str) -> None:
        self.message = message
        self.fields = fields
        """Which of the fields are wrong."""
        super().__init__(message)


def box(engine: Explainer, asked: Asked, code: str, words: Words) -> Markup:
    """The form, with the answer below it where something was asked."""
    try:
        told = None if asked.is_empty else _explained(engine, asked, words)
        problem = None
    except _Nonsense as nonsense:
        told, problem = None, nonsense
    answer = NOTHING if told is None else _answer(told, words)
    form = _form(engine, asked, problem, code, words)
    title = tag("h2", words.explain, id="explain-title")
    what = tag("p", words.explain_what, class_="soft")
    return tag(
        *("section", title, what, form, answer),
        id="explain",
        class_="card",
        aria_labelledby="explain-title",
    )


def _explained(engine: Explainer, asked: Asked, words: Words) -> Explanation:
    if not asked.who or not asked.name:
        missing = [key for key in ("who", "name") if not getattr(asked, key)]
        raise _Nonsense(fill(words.nothing_asked), *missing)
    name = _name(asked.name, words)
    view = engine.vlan(asked.who)
    if view is not None:
        return engine.for_view(view, name, codes.A)
    try:
        return engine.for_client(asked.who, name, codes.A)
    except ValueError:
        raise _Nonsense(_nobody(engine, asked.who, words), "who") from None


def _nobody(engine: Explainer, who: str, words: Words) -> Markup:
    shown = isolated(_shortened(who))
    if any(char in who for char in ".:") and who[:1].isalnum():
        return fill(words.no_address, who=shown)
    vlans = ", ".join(each.name for each in engine.terms.vlans)
    return fill(words.no_vlan, who=shown, vlans=isolated(vlans))


def _name(text: str, words: Words) -> bytes:
    try:
        if len(text) <= _LONGEST:
            return names.parse(text)
    except names.InvalidName:
        pass
    raise _Nonsense(fill(words.no_name, name=isolated(_shortened(text))), "name")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _form(
    engine: Explainer, asked: Asked, problem: _Nonsense | None, code: str, words: Words
) -> Markup:
    vlans = [each.name for each in engine.terms.vlans]
    options = tag("datalist", *(tag("option", value=vlan) for vlan in vlans), id="vlans")
    such_as = fill(words.who_such_as, vlan=isolated(vlans[0] if vlans else "administration"))
    wrong = () if problem is None else problem.fields
    who = _field("who", words.who, such_as, asked.who, wrong, list="vlans")
    such_as = fill(words.name_such_as)
    name = _field("name", words.name, such_as, asked.name, wrong, inputmode="url")
    said = NOTHING
    if problem is not None:
        said = tag("p", problem.message, id="problem", class_="problem", role="alert")
    button = tag("button", words.ask, type="submit")
    language = tag("input", type="hidden", name="lang", value=code)
    fields = tag("div", who, name, button, class_="fields")
    return tag("form", language, fields, options, said, action="#explain", method="get")


def _field(
    key: str, label: str, such_as: Markup, value: str, wrong: Sequence[str], **more: str
) -> Markup:
    described = f"{key}-hint problem" if key in wrong else f"{key}-hint"
    given = tag(
        "input",
        type="text",
        id=key,
        name=key,
        value=value,
        maxlength=_LONGEST,
        dir="ltr",
        autocomplete="off",
        autocapitalize="none",
        spellcheck="false",
        aria_describedby=described,
        aria_invalid="true" if key in wrong else None,
        **more,
    )
    hint = tag("span", such_as, id=f"{key}-hint", class_="hint")
    return tag("div", tag("label", label, for_=key), given, hint, class_="field")


def _answer(told: Explanation, words: Words) -> Markup:
    outcome = tag("b", words.outcomes[told.outcome], class_=f"outcome {told.outcome}")
    head = tag("p", isolated(f"{told.name} {told.type}"), ": ", outcome, class_="told")
    rows = [
        tag("div", tag("dt", key.replace("_", " ")), tag("dd", isolated(str(value))))
        for key, value in told.as_json().items()
        if key not in _TITLE_KEYS and value not in ("", None)
    ]
    return join(head, tag("dl", *rows, class_="facts", lang="en", dir="ltr"))
