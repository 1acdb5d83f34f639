"""Errors that a user can act on: what, where, expected, found, what to do."""


class ResetradarError(Exception):
    """Base of every error that the command line prints as one line and answers with exit code 2."""


class SettingsError(ResetradarError):
    """A setting is missing or has the wrong form."""


class InputError(ResetradarError):
    """A file or argument named by the user cannot be used at all."""


class ContractError(ResetradarError):
    """A table, header or data file of the project breaks its own contract."""
