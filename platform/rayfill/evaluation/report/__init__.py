"""The report page of a scorecard."""
