"""The embedded model repository: a bare one on a volume, served by git itself, whose pushes are checked first."""
