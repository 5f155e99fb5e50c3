"""One module for each version. Their names begin with it, and none is changed once it was released."""
