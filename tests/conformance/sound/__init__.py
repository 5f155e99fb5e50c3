"""A sound adapter for an imaginary provider, Lontar: what the faulty ones are made from."""
