"""Optuna announces every study and every trial on stderr; what the user should see is said elsewhere."""

import logging

import optuna


def quiet_optuna() -> None:
    """Let only warnings through, of Optuna and of the migrations of its database."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
