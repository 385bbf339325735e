"""The one part of the ``sagemaker`` package that reads experiments: :mod:`epochal.compat.sagemaker.analytics`."""
