"""The library behind the hands-on course on artificial intelligence in medical imaging."""
