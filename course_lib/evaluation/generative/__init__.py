"""How good are generated films? Measures on features of films, each with an interval.

The features come from any network: a table (N, D) of real films and one of generated films is all
that these measures see.
"""
