"""Rich results as contents of artifacts: tables, images, figures, histograms, texts and the charts of a classifier.

Nothing here is imported before the first of them is logged; docs/rich-results.md describes what is written.
"""
