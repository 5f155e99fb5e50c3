"""Adapters with one believable fault each, and how the kit catches it."""
