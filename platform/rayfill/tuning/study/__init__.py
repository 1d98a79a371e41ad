"""The Optuna study of a sweep: where it lies, who drives it, what it holds."""
