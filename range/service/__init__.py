"""The service: what is wanted is written down, and keepers make the world equal to it, whatever happens."""
