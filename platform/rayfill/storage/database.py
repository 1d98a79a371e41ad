"""Time limit for connecting to a database server, which by default may stay silent for ever."""

from sqlalchemy.engine import make_url

CONNECT_TIMEOUT_S = 10


def connect_timeout(url: str) -> dict[str, int]:
    """`connect_args` of SQLAlchemy by which connecting to `url` ends after 10 s; empty for drivers without such a limit.

    libpq counts the server's greeting in: a port that accepts and says nothing is given up, too.
    """
    return {"connect_timeout": CONNECT_TIMEOUT_S} if make_url(url).get_backend_name() in ("postgresql", "mysql") else {}
