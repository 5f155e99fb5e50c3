"""What paygate costs."""
