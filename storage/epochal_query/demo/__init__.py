"""The demo: one whole experiment, from the hypothesis to the verdict, through the public front door only."""
