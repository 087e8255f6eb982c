"""The loader as a pod of its own: takes a model's tree over HTTP, runs it, answers, keeps nothing."""
