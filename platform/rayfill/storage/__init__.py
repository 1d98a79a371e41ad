"""Files and objects under a root: one interface, in a folder or a bucket."""
