"""Ray, MLflow and an S3 store on this machine, as processes that are watched and found again."""
