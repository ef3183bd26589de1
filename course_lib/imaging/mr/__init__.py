"""Magnetic resonance: spins, k-space, fast imaging and quantitative maps."""
