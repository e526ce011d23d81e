"""Renderers: a campaign's result as JSON, HTML, Markdown, JUnit, SARIF and more. All pure: value in, text out."""
