"""A pretend SNAP provider, written from the standard alone: of an adapter it shares the profile's values."""
