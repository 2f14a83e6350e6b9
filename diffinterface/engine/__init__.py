"""What an engine is: a contract, the operators derived from one primitive, and what serves them."""
