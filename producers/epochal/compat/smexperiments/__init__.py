"""The modules of ``smexperiments`` (the SageMaker Experiments SDK, version 0.1), recording with Epochal.

Arguments that name AWS clients, sessions, buckets and prefixes are accepted and have no effect. Times without a zone
are UTC, as everywhere in Epochal.
"""

from __future__ import annotations

from . import api_types, experiment, search_expression, tracker, trial, trial_component

__all__ = ["api_types", "experiment", "search_expression", "tracker", "trial", "trial_component"]
