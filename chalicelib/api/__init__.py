"""HTTP: Blueprints and the shapes of requests and answers."""
