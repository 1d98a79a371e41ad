-- Studies of sweeps: a database of their own, because Optuna and MLflow both keep a table alembic_version.
CREATE DATABASE study;
