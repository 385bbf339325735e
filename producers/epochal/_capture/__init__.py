"""What surrounds a run, captured by itself: code, packages, environment, host, console, system metrics."""
