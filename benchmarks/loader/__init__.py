"""The loader beside what one would use instead: the same photographs, the same crops and masks, the same cores."""
