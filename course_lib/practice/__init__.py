"""Using what was learned: a report on films of one's own."""
