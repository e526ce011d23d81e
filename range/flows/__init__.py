"""Flows: operations one after the other. The only place where operations meet; the CLI, the API and tests call them."""
