"""DECLARED: what authors write.

Frozen records of the standard library alone. Building one checks what it can see alone; what needs the whole tree is a
rule in `datasurface.lint`. Nothing here reads a file, a clock or a database.
"""
