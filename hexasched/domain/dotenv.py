"""The text of a .env file, read as the dashboard reads one that is pasted (web/assets/src/dotenv.js)."""

import re

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*("(?:\\[\s\S]|[^"\\])*"|'[^']*'|`[^`]*`|[^\n]*)[^\n]*""",
    re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_dotenv(text: str) -> tuple[dict[str, str], list[int]]:
    """The variables, and the numbers of lines that are neither NAME=VALUE nor empty nor a comment.

    Comments and `export` are dropped, quotes are taken off, a quoted value may span lines; the last value counts.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    variables: dict[str, str] = {}
    wrong: list[int] = []
    position = 0
    while position < len(text):
        found = _LINE.match(text, position)
        end = found.end() if found else _line_end(text, position)
        if found:
            variables[found[1]] = _unquoted(found[2])
        elif not re.match(r"\s*(#|\Z)", text[position:end]):
            wrong.append(text.count("\n", 0, position) + 1)
        position = end + 1
    return variables, wrong


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\([\s\S])", lambda escape: _ESCAPES.get(escape[1], escape[1]), value[1:-1])
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'`":
        return value[1:-1]
    return re.sub(r"(^|[ \t]+)#.*$", "", value).strip()
