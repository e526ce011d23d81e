"""What asks a service only to measure it: load, churn, warm pools. Uses the client; judges nothing."""
