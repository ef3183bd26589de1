"""Computed tomography: from rays through a patient to a slice in Hounsfield units."""
