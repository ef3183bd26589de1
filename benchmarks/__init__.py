"""Side-by-side measurements against named peers.

A package, because one of the peers (Opacus) installs a package of the same name.
"""
