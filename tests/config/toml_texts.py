"""Strategies for TOML texts: made from parts, and made from a good file by mistakes."""

from hypothesis import strategies as st

TOKEN_WIDTH = 7
_KEYS = ["a", "b", "c", '"d e"', "'f.g'", '"h\\u0041"', "1", "-x_"]
_BLANKS = ["", " ", "\n", "\r\n", " # [no] \"token ' here\n", ",".join(["\n # x\n"])]
_LEAVES = [
    "{}",
    '"{} ]}},#="',
    "'{} \\'",
    '"""{}\n#[x]\n\\"""" """',
    "'''{}\n\"] \n'''",
    '"{} \\" \\\\"',
    '"""{} ""\n"""""',
    "'''{}'' '''''",
]


class Tokens:
    """Numbers that occur once in a text, so that a value's line can be searched for."""

    def __init__(self) -> None:
        self.last = 10 ** (TOKEN_WIDTH - 1)

    def next(self) -> str:
        self.last += 1
        return str(self.last)


@st.composite
def _value(draw: st.DrawFn, tokens: Tokens, depth: int = 0) -> str:
    kind = draw(st.integers(0, 4 if depth < 3 else 2))
    if kind == 3:
        blanks = st.sampled_from(_BLANKS)
        elements = [
            f"{draw(blanks)}{draw(_value(tokens, depth + 1))}{draw(blanks)}"
            for _ in range(draw(st.integers(0, 3)))
        ]
        return f"[{','.join(elements)}{draw(blanks)}]"
    if kind == 4:
        keys = draw(st.lists(st.sampled_from(_KEYS), unique=True, max_size=3))
        pairs = [f" {key} = {draw(_value(tokens, depth + 1))}" for key in keys]
        return f"{{{','.join(pairs)} }}"
    return draw(st.sampled_from(_LEAVES)).format(tokens.next())


@st.composite
def texts(draw: st.DrawFn) -> str:
    """TOML from all of its parts; a few of the texts define a key twice, and are invalid."""
    tokens = Tokens()
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        keys = draw(st.lists(st.sampled_from(_KEYS), min_size=1, max_size=3))
        dotted = draw(st.sampled_from([".", " . "])).join(keys)
        kind = draw(st.integers(0, 4))
        if kind == 0:
            lines.append(f"[ {dotted} ] # {{")
        elif kind == 1:
            lines.append(f"[[{dotted}]]")
        elif kind == 2:
            lines.append("# comment = [")
        else:
            lines.append(f"{dotted} = {draw(_value(tokens))} # '''")
    return draw(st.sampled_from(["\n", "\r\n", "\n\n"])).join(lines)


_SNIPPETS = ["", "[", "]", "[[x]]\n", '"', "'", '"""', "\n", "#", ",", "=", "{", "}", ".", "\\"]
_VALUES = ["1", "-1", "true", '"x"', "[]", "{}", "[1]", '[["x"]]', "2015-02-18", "12:00:00", "inf"]
_VALUES += ["2015-02-18T00:00:00", '{ a = "b" }', '"10.0.0.0/8"', '["10.0.0.1/8", 5]', '"\\u0000"']


@st.composite
def mistaken(draw: st.DrawFn, text: str) -> str:
    """A text with spans cut out, characters put in, lines left out and values exchanged."""
    for _ in range(draw(st.integers(1, 6))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                del lines[at]
            case 1 if " = " in lines[at]:
                lines[at] = lines[at].split(" = ")[0] + " = " + draw(st.sampled_from(_VALUES))
            case 2:
                start = draw(st.integers(0, len(lines[at])))
                end = start + draw(st.integers(0, 4))
                snippet = draw(st.sampled_from(_SNIPPETS))
                lines[at] = lines[at][:start] + snippet + lines[at][end:]
            case _:
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
        text = "\n".join(lines)
    return text
