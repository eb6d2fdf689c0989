"""Comparisons and proofs ask the types that an effect names, and not A alone."""

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes
from resolver.policy import effect
from resolver.policy.verdict import PASS, Verdict
from resolver.policy.view import View
from tests.analysis.compared_configs import changes
from tests.analysis.random_policies import config, failures

pytestmark = pytest.mark.interpreted
DENIES = 'block = ["@messenger"]\ndeny = ["web.other.example"]'


def let_pass(monkeypatch: pytest.MonkeyPatch, passes: int) -> None:
    """Let A and TXT be types of their own, and let the questions for one of them pass."""
    asked = Explainer.verdict

    def verdict(explainer: Explainer, view: View, name: bytes, qtype: int) -> tuple[Verdict, bool]:
        return (PASS, True) if qtype == passes else asked(explainer, view, name, qtype)

    monkeypatch.setattr(effect, "_question_types", lambda _policy: (codes.A, codes.TXT))
    monkeypatch.setattr(Explainer, "verdict", verdict)


def test_a_change_for_one_type_is_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    let_pass(monkeypatch, codes.A)
    [found] = changes(config(), config(DENIES))
    assert (found.how, found.classes) == ("stricter", 2)


def test_a_proof_holds_only_where_it_does_for_each_type(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failures(config()) == []
    let_pass(monkeypatch, codes.TXT)
    assert len(failures(config())) == 1
