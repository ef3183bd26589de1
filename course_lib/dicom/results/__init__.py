"""What a reader or a program found, as DICOM objects: segmentation, report, captured picture."""
