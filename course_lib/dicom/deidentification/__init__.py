"""Taking out who the patient is: the standard's profile, pseudonyms, leaks, burned-in text."""
