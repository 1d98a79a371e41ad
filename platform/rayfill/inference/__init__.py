"""From a model and pictures to filled pictures."""
