"""One item type for virtual patients, the learner's own files and public data sets."""
