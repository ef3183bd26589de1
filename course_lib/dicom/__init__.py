"""How an image is kept: DICOM files read by the standard's grey-scale pipeline."""
