"""Neurons from the beginning: perceptron, back-propagation by hand, neocognitron."""
