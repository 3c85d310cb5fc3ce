"""The model card: one page that says what a model is, what it reached, and where it ends.

A package of its own beside what fits models: changing the page does not make the starter model anew.
"""
