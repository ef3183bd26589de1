"""How a picture comes about: attenuation, spectrum, projection, detector, radiography."""
