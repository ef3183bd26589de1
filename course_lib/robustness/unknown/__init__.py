"""Do you know that you do not know: scores that say how unusual a film is, and what they find."""
