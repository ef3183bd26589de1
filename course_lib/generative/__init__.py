"""Networks that make images, and the games in which they learn to."""
