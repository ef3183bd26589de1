"""Can it be trusted? Shifts, attacks and defences, films from elsewhere, and the right to abstain."""
