"""Reads and runs the PowerShell of session configurations, role capabilities and their functions.

A small part of the language, enough for such files; whatever lies outside it is an explicit error.
"""
