"""Stand-ins for other trackers' packages: put ``epochal.compat.`` before their names in the import lines.

They write through the public SDK and read through ``epochal.open()``; nothing is kept that couldn't be had without
them. What differs from the originals, call by call, is in docs/from-sagemaker.md.
"""
