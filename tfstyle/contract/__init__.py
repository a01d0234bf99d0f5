"""What a model and its callers agree on: signatures, style catalog, the syntax of style mixes, and refusals."""
