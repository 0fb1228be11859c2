"""The command ``autogaze-web``: its arguments, its progress line and its subcommands.

It only reads arguments and files and calls the rooms below.
"""
