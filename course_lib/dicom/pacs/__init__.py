"""A small archive for images: the network services of DICOM and its web services."""
