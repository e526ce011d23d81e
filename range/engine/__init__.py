"""Docker: the one engine there is today. Only modules of this folder import the `docker` library."""
