"""mlguard finds the lines of infrastructure code that will burn money on machine learning in AWS."""

__version__ = "0.1.0"
