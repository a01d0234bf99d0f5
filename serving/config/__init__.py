"""What the server is told: flags, configuration files, labels, and the models on disk that they mean."""
