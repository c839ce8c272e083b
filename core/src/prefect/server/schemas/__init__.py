"""The models of the contract, as servers know them."""
