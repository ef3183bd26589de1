"""From one lesson source to notebooks, slides, site and README."""
