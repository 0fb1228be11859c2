"""The command ``autogaze-web``: its subcommands, arguments and progress line.

It parses arguments, opens files and calls the rooms below.
"""
