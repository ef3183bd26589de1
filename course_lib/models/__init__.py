"""Every architecture, complete as published, one file each."""
