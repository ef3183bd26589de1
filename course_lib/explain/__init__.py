"""Where the network looked: class activation maps."""
