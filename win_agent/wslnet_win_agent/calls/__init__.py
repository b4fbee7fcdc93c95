"""Constructors of the calls that the agent makes: one function each, typed, nothing sent."""
