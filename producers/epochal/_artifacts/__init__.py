"""Artifacts: digests, snapshots, the content-addressed store and the background step that fills it."""
