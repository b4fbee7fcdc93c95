"""Profiles turn a wish into resources per machine: pure, so a plan can be made of any stored snapshot."""
