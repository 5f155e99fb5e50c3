"""The kit that every adapter passes: what paygate promises, as scenarios without sockets."""
