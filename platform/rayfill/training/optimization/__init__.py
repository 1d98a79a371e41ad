"""One optimisation step: players, gradients, schedules, and what a step costs."""
