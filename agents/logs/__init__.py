"""Logs of training and evaluation: written as DeepRacer does, read wherever they come from."""
