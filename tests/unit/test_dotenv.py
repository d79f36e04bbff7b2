"""A .env file reads in the terminal as it does in the dashboard's form."""

import json
import subprocess
from pathlib import Path

import pytest

from hexasched.domain.dotenv import read_dotenv
from sandbox.runtimes import find_runtimes

SCRIPT = Path(__file__).parents[2] / "web" / "assets" / "src" / "dotenv.js"
TEXT = """# a comment
PLAIN=value # said here
export SPACED =  two words\t
EMPTY=
HASH=a#b
SINGLE='it # stays \\n'   # not this
DOUBLE="two\\nlines and a \\"quote\\""
LONG="-----BEGIN-----
abc=
-----END-----"
TICKS=`it's "here"`
OPEN="no end
EQUALS=a=b=c
LAST=1
LAST=2
"""


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n").replace('LONG="', "LONG=")])
def test_the_terminal_and_the_dashboard_read_the_same(text: str) -> None:
    program = f"import {{ parseDotenv }} from {json.dumps(SCRIPT.as_uri())};"
    program += f"console.log(JSON.stringify(parseDotenv({json.dumps(text)})));"
    node = find_runtimes()[0].node
    said = subprocess.run(
        [node, "--input-type=module", "-e", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert read_dotenv(text)[0] == dict(json.loads(said.stdout))


def test_it_names_the_lines_that_it_does_not_understand() -> None:
    assert read_dotenv("\ufeffA=1\n\n  # fine\nnot this\nB='x\ny'\n=nor this") == ({"A": "1", "B": "x\ny"}, [4, 7])
    assert read_dotenv("") == ({}, [])
