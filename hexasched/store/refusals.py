"""What a PostgreSQL server says when it lets nobody in until a person has mended something, and which setting that is.

While a connection is made the driver passes on the server's words, and no code of the error. They are known in English:
what a server says in another language counts as trouble that may pass, as all the rest does.
"""

import re

_ADVICE = (
    (
        r"authentication failed for user|no password supplied",
        "Check the user and the password in database_url.",
    ),
    (
        r'role ".*" (?:does not exist|is not permitted to log in)',
        "Check the user in database_url, or make it a role that may log in.",
    ),
    (
        r'database ".*" does not exist',
        "Check the name of the database in database_url, or create that database.",
    ),
    (
        r"permission denied for",
        "Give the user in database_url its rights: CONNECT on the database, USAGE and CREATE on its schema.",
    ),
    (
        r"invalid \w+ value|SSL was required",
        "Check the options behind the question mark in database_url.",
    ),
    (
        r"pg_hba\.conf",
        "Check host, user and database in database_url, or let them in: the server's pg_hba.conf does not.",
    ),
)


def advice(said: str) -> tuple[str, str] | None:
    """The line of an error's text that is a refusal, and what to do about it; None where it may pass by itself.

    A name may have several addresses, of which each answered something: the refusal is what counts.
    """
    for pattern, what in _ADVICE:
        for line in said.splitlines():
            if re.search(pattern, line):
                return line.rpartition("FATAL:")[2].strip(), what
    return None
