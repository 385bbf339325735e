"""Frames to rows: decode, project, write; the follower of journals and the host process."""
