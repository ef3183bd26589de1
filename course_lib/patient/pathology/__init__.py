"""What disease and treatment add to a patient, one group per module."""
