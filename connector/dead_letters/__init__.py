"""The commands `dead-letters list | show | replay`: what a person does about dead letters.

`list` and `show` read the dead-letter topic and change nothing. `replay` maps letters with today's config, and sends.
"""
