"""What ``course.py`` does, one idea per file, with nothing but Python's standard library.

``places`` says where things are, ``environment`` makes the isolated Python, ``lessons`` copies the
lessons to the learner's folder, ``lab`` starts JupyterLab, ``network`` cuts the network for the
tests, ``health`` looks whether all is well, ``commands`` reads the command line.
"""
