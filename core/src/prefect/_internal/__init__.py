"""
What published packages import from here, and nothing else: the product itself uses none of it.

Each module offers, under the path that such packages know, what the product has elsewhere. New code imports that.
"""
