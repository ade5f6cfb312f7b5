"""The playground: a page on which a mapping is tried as one types, in the sandbox and by `preview --web`.

The texts on the page may be anybody's: they are checked and mapped in a process of its own (`worker`), which reads no
file and no environment for them and is ended if it takes too long (`evaluator`).
"""
