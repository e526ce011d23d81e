"""The HTTP service over the core. Reaches every adapter through `range.wiring`; the core never imports it."""
