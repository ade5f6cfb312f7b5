"""The command `test`: runs the tests of mappings, and says what of a mapping no test reaches."""
