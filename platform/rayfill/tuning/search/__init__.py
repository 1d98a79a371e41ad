"""From a sweep's space to a trial's recipe."""
