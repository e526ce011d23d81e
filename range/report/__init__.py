"""Renderers: a campaign's result as JSON, as a table, as one HTML page. All pure: value in, text out."""
