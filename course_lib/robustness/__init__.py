"""Can it be trusted? Shifts, attacks and defences, films from elsewhere, the right to abstain."""
