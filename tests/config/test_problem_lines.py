"""Problems as lines: one for the warnings of a kind, and nothing of an error is left out."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.config.problems import Problem, problem_lines


def warning(name: str, line: int | None = 7, found: str = "none", file: str = "a.toml") -> Problem:
    code = f"no-ipv6:{name}" if name else "no-ipv6"
    path = f"vlans.{name}.prefixes" if name else "server.listen"
    return Problem("warning", file, line, path, found, "an IPv6 prefix", "They are refused.", code)


def test_a_kind_is_one_line_with_the_places_of_the_others() -> None:
    several = [
        *(warning("a"), warning("b", 9), warning("c", 11, found="10.0.0.0/8")),
        *(warning("d", 2, file="more.toml"), warning("e", None), warning("")),
    ]
    other = Problem("warning", "a.toml", 3, "x", "1", "2", code="other")
    assert problem_lines([*several[:1], other, *several[1:]]) == [
        "a.toml:7: warning [no-ipv6:a]: vlans.a.prefixes: found none; expected an IPv6 prefix. "
        "They are refused. Also b (line 9), c with 10.0.0.0/8 (line 11), d (more.toml:2), e, "
        "server.listen (line 7).",
        str(other),
    ]


def test_a_hundred_places_are_counted() -> None:
    [line] = problem_lines([warning(f"v{number}", number) for number in range(100)])
    assert line.endswith("v16 (line 16), and 83 more (check --json has each).")


PROBLEMS = st.builds(
    Problem,
    st.sampled_from(["error", "warning"]),
    *(st.just("a.toml"), st.integers(1, 99), st.text("xy."), st.text("12"), st.text("34")),
    st.sampled_from(["", "Do this."]),
    st.sampled_from(["", "one", "one:a", "one:b", "two:a"]),
)


@given(st.lists(PROBLEMS, max_size=12))
def test_the_first_of_each_kind_and_all_else_is_whole(problems: list[Problem]) -> None:
    lines = problem_lines(problems)
    known: set[tuple[str, str]] = set()
    shown = iter(lines)
    for problem in problems:
        key = problem.kind, problem.expected
        if not problem.kind or key not in known:
            assert next(shown).startswith(str(problem))
            known.add(key)
    assert next(shown, None) is None
