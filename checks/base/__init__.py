"""The base branch that a change is judged against: its rules, its rows, its model, its tree.

Used by the command line (`--base REF`) and the Action, which share it. Everything is read from git
objects, never checked out, and what cannot be had is said, never guessed.
"""
