"""Who is imaged: tissues, solids, anatomy, findings, cohorts of virtual patients."""
