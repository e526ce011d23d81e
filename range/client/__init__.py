"""A thin, typed client of the HTTP API."""
