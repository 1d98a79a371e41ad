"""Policies of a run, one a file: plain objects, testable without Ray, that take the same decision on every worker."""
