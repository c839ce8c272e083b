"""What published packages import from here, and nothing else: the product itself uses none of it."""
