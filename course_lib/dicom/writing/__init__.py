"""Pictures become DICOM files: CT, MR and DX objects that validators accept."""
