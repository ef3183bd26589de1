"""Does a file hold what the standard asks for: elements, values, and what must agree."""
