"""`rayfill demo`: the command and its stages. `jobs.verbs` loads a command as `jobs.NAME` and asks it for these two."""

from jobs.demo.command import add_parser, run

__all__ = ["add_parser", "run"]
