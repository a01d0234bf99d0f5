"""How a model learns: recipes, photos, batches, the trainer and its runs, and styles added later."""
