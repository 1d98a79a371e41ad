"""The best trial, trained again and registered."""
