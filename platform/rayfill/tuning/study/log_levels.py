"""Silence Optuna's announcements of studies and trials."""

import logging

import optuna


def quiet_optuna() -> None:
    """Let only warnings through, of Optuna and of the migrations of its database."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
