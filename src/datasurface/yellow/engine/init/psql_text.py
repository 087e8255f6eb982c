"""SQL as text without a connection: what `init --print` writes, and function bodies, which must be equal every time.

Parameters become psql's variables. Identifiers are always quoted.
"""

from psycopg2 import sql


def rendered(statement: sql.Composable) -> str:
    """The statement as psql reads it."""
    match statement:
        case sql.Composed():
            return "".join(map(rendered, statement.seq))
        case sql.SQL():
            return statement.string
        case sql.Identifier():
            return ".".join(quoted(part) for part in statement.strings)
        case sql.Literal():
            return literal(statement.wrapped)
        case sql.Placeholder(name=str(name)):
            return f":'{name}'"
        case _:
            raise TypeError(f"{type(statement).__name__} has no text without a connection")


def quoted(identifier: str) -> str:
    """An identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def dollar_quoted(body: str) -> str:
    """The body of a function between dollar signs, with a tag that does not stand in it; newlines lie around it."""
    tag = "$function$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    return f"{tag}\n{body}\n{tag}"


def argument(text: str) -> str:
    """An argument of psql's own commands, in which nothing is a variable, a command or an escape."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def literal(value: object) -> str:
    """A literal of the few kinds that the initialisation uses."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            text = value.replace("'", "''")
            return f"'{text}'" if "\\" not in text else "E'" + text.replace("\\", "\\\\") + "'"
        case list() | tuple():
            return f"ARRAY[{', '.join(map(literal, value))}]::text[]"
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")
